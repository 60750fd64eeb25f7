#include "llmsweep/schedule/schedule.h"

#include <algorithm>
#include <cassert>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

// A slot's first request opens its connection, and what overflows a server's accept queue (a few
// thousand at most) comes a second late.
constexpr uint32_t kConnectionsAtOnce = 256;
constexpr Duration kConnectionInterval = std::chrono::microseconds(500);
constexpr uint64_t kSpreadStream = 0x737072656164;  // "spread"

Duration first_start(uint32_t slot) {
  return slot < kConnectionsAtOnce ? Duration(0)
                                   : (slot - kConnectionsAtOnce) * kConnectionInterval;
}

// Of the stratum of each slot one instant: as random as they may be and evenly spread.
std::vector<Duration> first_starts(uint32_t slots, Duration spread, uint64_t seed) {
  Random random(seed, kSpreadStream);
  std::vector<Duration> starts(slots);
  for (uint32_t slot = 0; slot < slots; ++slot) {
    starts[slot] = first_start(slot);
    if (spread == Duration(0)) continue;
    const double share = (slot + random.uniform()) / slots;
    starts[slot] = std::max(starts[slot], from_seconds(to_seconds(spread) * share));
  }
  return starts;
}

Schedule closed_loop(const PromptDemand& demand, uint32_t slots, Duration spread, uint64_t seed) {
  Schedule schedule{.slots = slots};
  const std::vector<Duration> starts = first_starts(slots, spread, seed);
  const uint32_t planned = demand.warmup + demand.measured;
  schedule.arrivals.reserve(planned);
  for (uint32_t i = 0; i < planned; ++i) {
    const bool first = i < slots;
    schedule.arrivals.push_back({.at = first ? starts[i] : Duration(0),
                                 .after = first ? kNoArrival : i - slots,
                                 .slot = i % slots,
                                 .prompt = i,
                                 .phase = i < demand.warmup ? Phase::kWarmup : Phase::kMeasured});
  }
  for (uint32_t i = 0; i < demand.filler; ++i) schedule.filler_prompts.push_back(planned + i);
  return schedule;
}

uint32_t measured_per_slot(const LoadSpec& load, LoadPoint point) {
  assert(point.slots() > 0);
  const int needed = (load.min_requests + point.slots() - 1) / point.slots();
  return static_cast<uint32_t>(std::max(load.requests_per_slot, needed));
}

}  // namespace

std::vector<LoadPoint> load_points(const LoadSpec& load) {
  std::vector<LoadPoint> points;
  for (const int concurrency : load.concurrency) points.push_back(at_concurrency(concurrency));
  return points;
}

PromptDemand prompt_demand(const LoadSpec& load, LoadPoint point) {
  const auto slots = static_cast<uint32_t>(point.slots());
  const uint32_t measured = slots * measured_per_slot(load, point);
  return {.warmup = slots * static_cast<uint32_t>(load.warmup_per_slot),
          .measured = measured,
          .filler = load.fillers ? slots + measured / 2 : 0};
}

int most_in_flight(const LoadSpec&, LoadPoint point) {
  return point.slots();
}

Duration shortest_run(const LoadSpec& load, LoadPoint point, Duration request) {
  const Duration last_start = load.spread_starts * (point.slots() - 1) / point.slots();
  return last_start + request * (load.warmup_per_slot + measured_per_slot(load, point));
}

Schedule make_schedule(const LoadSpec& load, LoadPoint point, uint64_t seed) {
  assert(point.kind == LoadKind::kConcurrency);
  return closed_loop(prompt_demand(load, point), static_cast<uint32_t>(point.slots()),
                     load.spread_starts, seed);
}

}  // namespace llmsweep

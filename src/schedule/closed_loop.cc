#include "llmsweep/schedule/closed_loop.h"

#include <algorithm>

namespace llmsweep {
namespace {

// A slot's first request opens its connection, and what overflows a server's accept queue (a few
// thousand at most) comes a second late.
constexpr uint32_t kConnectionsAtOnce = 256;
constexpr Duration kConnectionInterval = std::chrono::microseconds(500);

Duration first_start(uint32_t slot) {
  return slot < kConnectionsAtOnce ? Duration(0)
                                   : (slot - kConnectionsAtOnce) * kConnectionInterval;
}

}  // namespace

uint32_t measured_per_slot(const LoadSpec& load, int concurrency) {
  const int needed = (load.min_requests + concurrency - 1) / concurrency;
  return static_cast<uint32_t>(std::max(load.requests_per_slot, needed));
}

PromptDemand prompt_demand(const LoadSpec& load, int concurrency) {
  const auto slots = static_cast<uint32_t>(concurrency);
  const uint32_t measured = slots * measured_per_slot(load, concurrency);
  return {.warmup = slots * static_cast<uint32_t>(load.warmup_per_slot),
          .measured = measured,
          .filler = load.fillers ? slots + measured / 2 : 0};
}

Schedule closed_loop(const LoadSpec& load, int concurrency) {
  const PromptDemand demand = prompt_demand(load, concurrency);
  Schedule schedule;
  schedule.slots = static_cast<uint32_t>(concurrency);
  const uint32_t planned = demand.warmup + demand.measured;
  schedule.arrivals.reserve(planned);
  for (uint32_t i = 0; i < planned; ++i) {
    const bool first = i < schedule.slots;
    schedule.arrivals.push_back({.at = first ? first_start(i) : Duration(0),
                                 .after = first ? kNoArrival : i - schedule.slots,
                                 .slot = i % schedule.slots,
                                 .prompt = i,
                                 .phase = i < demand.warmup ? Phase::kWarmup : Phase::kMeasured});
  }
  for (uint32_t i = 0; i < demand.filler; ++i) schedule.filler_prompts.push_back(planned + i);
  return schedule;
}

}  // namespace llmsweep

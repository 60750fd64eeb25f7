#include "llmsweep/schedule/schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "llmsweep/base/random.h"
#include "llmsweep/base/sha256.h"
#include "schedule/open_loop.h"
#include "schedule/replay.h"

namespace llmsweep {
namespace {

// A slot's first request opens its connection, and what overflows a server's accept queue (a few
// thousand at most) comes a second late.
constexpr uint32_t kConnectionsAtOnce = 256;
constexpr Duration kConnectionInterval = std::chrono::microseconds(500);
constexpr uint64_t kSpreadStream = 0x737072656164;  // "spread"
// Of each slot that measures for a time: prompts before the first that are made while it runs.
constexpr uint32_t kToBeginWith = 8;

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

Schedule closed_loop(const LoadSpec& load, const PromptDemand& demand, uint32_t slots,
                     uint64_t seed) {
  Schedule schedule{.slots = slots, .measure_for = load.duration};
  const std::vector<Duration> starts = first_starts(slots, load.spread_starts, seed);
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

// Of an open loop: the rates of the window, of the warm-up before it and of the drain.
struct OpenRates {
  std::vector<RateStep> window;
  double before = 0;
  double after = 0;
};
OpenRates rates_of(const LoadSpec& load, LoadPoint point) {
  if (point.kind == LoadKind::kProfile) {
    return {load.profile, load.profile.front().from, load.profile.back().to};
  }
  assert(point.kind == LoadKind::kRate);
  return {{{load.measure, point.value, point.value}}, point.value, point.value};
}

Duration window_length(const LoadSpec& load) {
  return load.profile.empty() ? load.measure : length_of(load.profile);
}

RateCurve curve_of(const LoadSpec& load, LoadPoint point) {
  OpenRates rates = rates_of(load, point);
  if (point.kind == LoadKind::kRate) {  // one step, so that nothing is rounded between two
    const Duration all = load.warmup + load.measure;
    return RateCurve({{all, point.value, point.value}});
  }
  std::vector<RateStep>& steps = rates.window;
  if (load.warmup > Duration(0))
    steps.insert(steps.begin(), {load.warmup, rates.before, rates.before});
  return RateCurve(std::move(steps));
}

// That are planned.
uint32_t measured_per_slot(const LoadSpec& load, LoadPoint point) {
  assert(point.slots() > 0);
  if (load.duration) return 1;
  const int needed = (load.min_requests + point.slots() - 1) / point.slots();
  return static_cast<uint32_t>(std::max(load.requests_per_slot, needed));
}

}  // namespace

std::vector<LoadPoint> load_points(const LoadSpec& load) {
  std::vector<LoadPoint> points;
  if (load.search.wanted()) {
    const auto& search = load.search;
    for (double at = search.low(); at < search.high(); at *= 2) {
      points.push_back({search.kind(), at});
    }
    points.push_back({search.kind(), search.high()});
  }
  for (const int concurrency : load.concurrency) points.push_back(at_concurrency(concurrency));
  for (const int users : load.users) points.push_back(with_users(users));
  for (const double rate : load.rate) points.push_back(at_rate(rate));
  if (!load.profile.empty()) points.push_back(of_profile(mean_rate(load.profile)));
  for (const double scale : trace_scales(load.trace)) points.push_back(of_trace(scale));
  return points;
}

PromptDemand prompt_demand(const LoadSpec& load, LoadPoint point) {
  if (point.kind == LoadKind::kTrace) return prompt_demand(make_schedule(load, point));
  if (!point.is_closed()) {
    const auto whole = [](double arrivals) { return static_cast<uint32_t>(std::ceil(arrivals)); };
    const OpenRates rates = rates_of(load, point);
    const double measured = arrivals_of(rates.window);
    return {.warmup = whole(rates.before * to_seconds(load.warmup)),
            .measured = whole(measured),
            .filler = whole(std::min(rates.after * to_seconds(load.drain), measured / 4))};
  }
  const auto slots = static_cast<uint32_t>(point.slots());
  if (point.kind == LoadKind::kUsers) return {.warmup = 0, .measured = slots, .filler = 0};
  const uint32_t measured = slots * measured_per_slot(load, point);
  const uint32_t fillers = load.fillers ? slots + measured / 2 : 0;
  return {.warmup = slots * static_cast<uint32_t>(load.warmup_per_slot),
          .measured = measured,
          .filler = load.duration ? slots * kToBeginWith : fillers};
}

PromptDemand prompt_demand(const Schedule& schedule) {
  PromptDemand demand{.filler = static_cast<uint32_t>(schedule.filler_prompts.size())};
  for (const Arrival& arrival : schedule.arrivals) {
    if (arrival.prompt == kSparePrompt) continue;
    demand.warmup += arrival.phase == Phase::kWarmup ? 1 : 0;
    demand.measured += arrival.phase == Phase::kMeasured ? 1 : 0;
    demand.filler += arrival.phase == Phase::kFiller ? 1 : 0;
  }
  return demand;
}

namespace {

bool owns_arrival(const Part& part, const Schedule& schedule, uint32_t index) {
  const uint32_t slot = schedule.arrivals[index].slot;
  return part.owns(slot == kFreeSlot ? index : slot);
}

}  // namespace

PromptDemand prompt_demand(const Schedule& schedule, const Part& part) {
  Schedule own{.filler_prompts = schedule.filler_prompts};
  for (uint32_t i = 0; i < schedule.arrivals.size(); ++i) {
    if (owns_arrival(part, schedule, i)) own.arrivals.push_back(schedule.arrivals[i]);
  }
  own.filler_prompts.resize(part.share_of(static_cast<uint32_t>(own.filler_prompts.size())));
  return prompt_demand(own);
}

std::vector<bool> own_prompts(const Schedule& schedule, const Part& part) {
  std::vector<bool> own(prompt_demand(schedule).total());
  for (uint32_t i = 0; i < schedule.arrivals.size(); ++i) {
    const uint32_t prompt = schedule.arrivals[i].prompt;
    if (prompt != kSparePrompt && owns_arrival(part, schedule, i)) own[prompt] = true;
  }
  for (uint32_t i = 0; i < schedule.filler_prompts.size(); ++i) {
    if (part.owns(i % schedule.slots)) own[schedule.filler_prompts[i]] = true;
  }
  return own;
}

double gap_cv(const ArrivalSpec& arrivals) {
  switch (arrivals.process) {
    case ArrivalProcess::kPoisson:
      return 1;
    case ArrivalProcess::kGamma:
      return arrivals.cv;
    case ArrivalProcess::kConstant:
      break;
  }
  return 0;
}

double peak_rate(const LoadSpec& load, LoadPoint point) {
  if (point.kind == LoadKind::kTrace) return peak_rate(make_schedule(load, point));
  return peak_rate(rates_of(load, point).window);
}

int most_in_flight(const LoadSpec& load, LoadPoint point) {
  return point.is_closed() ? point.slots() : load.max_in_flight;
}

double likely_in_flight(const LoadSpec& load, LoadPoint point, Duration request) {
  if (point.is_closed()) return point.slots();
  return std::min<double>(load.max_in_flight, peak_rate(load, point) * to_seconds(request));
}

OpenWindow open_window(const LoadSpec& load) {
  const Duration to = load.warmup + window_length(load);
  return {.from = load.warmup, .to = to, .end = to + load.drain};
}

Duration shortest_run(const LoadSpec& load, LoadPoint point, Duration request) {
  if (point.kind != LoadKind::kConcurrency) return load.warmup + window_length(load) + request;
  const Duration last_start = load.spread_starts * (point.slots() - 1) / point.slots();
  const Duration warmup = last_start + request * load.warmup_per_slot;
  if (load.duration) return warmup + std::max(*load.duration, request);
  return warmup + request * measured_per_slot(load, point);
}

Schedule make_users_schedule(const LoadSpec& load, std::span<const UserStart> starts) {
  const OpenWindow window = open_window(load);
  Schedule schedule{.slots = static_cast<uint32_t>(starts.size()), .window = window};
  for (uint32_t slot = 0; slot < starts.size(); ++slot) {
    const UserStart& start = starts[slot];
    const Duration at = std::max(first_start(slot), start.at);
    const bool primes = start.first_turn > 0 || start.second_at;
    const bool warms_up = at < window.from || primes;
    const Phase phase = warms_up         ? Phase::kWarmup
                        : at < window.to ? Phase::kMeasured
                                         : Phase::kFiller;
    schedule.arrivals.push_back({.at = at, .slot = slot, .prompt = slot, .phase = phase});
  }
  return schedule;
}

Schedule make_schedule(const LoadSpec& load, LoadPoint point, uint64_t seed) {
  if (point.kind == LoadKind::kTrace) {
    return replay(load.trace, point.value, open_window(load), seed);
  }
  if (!point.is_closed()) {
    return open_loop(load.arrivals, open_window(load), curve_of(load, point), seed);
  }
  assert(point.kind == LoadKind::kConcurrency);
  return closed_loop(load, prompt_demand(load, point), static_cast<uint32_t>(point.slots()), seed);
}

uint64_t schedule_seed(uint64_t workload_seed, int repeat) {
  return Random(workload_seed, static_cast<uint64_t>(repeat)).next();
}

std::string schedule_sha256(const Schedule& schedule) {
  constexpr size_t kBytes = 9;
  std::string bytes;
  bytes.reserve(schedule.arrivals.size() * kBytes);
  for (const Arrival& arrival : schedule.arrivals) {
    const auto at = static_cast<uint64_t>(arrival.at.count());
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(at >> shift & 0xff);
    bytes += static_cast<char>(arrival.phase);
    if (arrival.after == kNoArrival) continue;
    const auto gap = static_cast<uint64_t>(arrival.gap.count());
    for (int shift = 0; shift < 32; shift += 8) {
      bytes += static_cast<char>(arrival.after >> shift & 0xff);
    }
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(gap >> shift & 0xff);
  }
  return sha256_hex(bytes);
}

}  // namespace llmsweep

#include "stats/open_load.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

// Growth that a server with capacity to spare shows once in a hundred runs: the normal quantile.
constexpr double kGrowthDeviations = 2.33;
// Requests of one length take unequal times all the same.
constexpr double kLeastServiceCv = 0.25;
// A step of a batch may hold back so many.
constexpr double kLeastGrowth = 2;
// Before the window the load builds up for about three service times.
constexpr int kServicesToSettle = 3;
// Median wait for the first token ÷ service time, over the window's last quarter.
constexpr double kUnsettledWait = 0.25;

bool in_window(Instant at, const Window& window) {
  return window.from <= at && at < window.to;
}

// Due and not ended.
int64_t in_flight_at(std::span<const SlotTime> times, Instant at) {
  return std::count_if(times.begin(), times.end(), [at](const SlotTime& time) {
    return time.record->scheduled < at && time.end >= at;
  });
}

int64_t waiting_at(std::span<const SlotTime> times, Instant at) {
  return std::count_if(times.begin(), times.end(), [at](const SlotTime& time) {
    const RequestRecord& record = *time.record;
    return record.scheduled < at && time.end >= at &&
           (!record.first_token || *record.first_token >= at);
  });
}

// A run that was ended as overloaded has a window that ends with it.
std::optional<Window> window_of(std::span<const SlotTime> times, const OpenInput& input) {
  const Instant start = from_ns(input.run.start_ns);
  Window window{start + input.window.from, start + input.window.to};
  if (input.run.overload == Overload::kMaxInFlight) {
    Instant last = window.from;
    for (const SlotTime& time : times) last = std::max(last, time.end);
    window.to = std::min(window.to, last);
  }
  if (window.to <= window.from) return std::nullopt;
  return window;
}

// Of the requested lengths: what the service times differ by, as far as the client decides it.
double service_cv(std::span<const SlotTime> times) {
  std::vector<double> tokens;
  for (const SlotTime& time : times) {
    if (time.measured()) tokens.push_back(static_cast<double>(time.record->planned_output_tokens));
  }
  if (tokens.size() < 2) return kLeastServiceCv;
  const Moments moments = moments_of(tokens);
  if (moments.mean <= 0) return kLeastServiceCv;
  return std::max(kLeastServiceCv, std::sqrt(moments.variance) / moments.mean);
}

// What a request takes without a queue: its decoding, and the shortest way to a first token.
struct Waits {
  double service_s = 0;
  double last_quarter_s = 0;  // median wait beyond that way
};
std::optional<Waits> waits_of(std::span<const SlotTime> times, const Window& window) {
  std::vector<double> decoding;
  std::vector<double> first_tokens;
  std::vector<double> late;
  const Instant last_quarter = window.to - (window.to - window.from) / 4;
  for (const SlotTime& time : times) {
    const RequestRecord& record = *time.record;
    if (!time.measured() || !record.last_token || record.buffered()) continue;
    // An answer that is no stream has nothing before its end.
    const Instant first_token = record.first_token.value_or(*record.last_token);
    const double first = to_seconds(first_token - record.scheduled);
    decoding.push_back(to_seconds(*record.last_token - first_token));
    first_tokens.push_back(first);
    if (record.scheduled >= last_quarter) late.push_back(first);
  }
  if (late.empty()) return std::nullopt;
  const double shortest = *std::min_element(first_tokens.begin(), first_tokens.end());
  return Waits{.service_s = percentile_of(std::move(decoding), 0.5) + shortest,
               .last_quarter_s = percentile_of(std::move(late), 0.5) - shortest};
}

// Of a trace: the law of the gaps is what came, warm-up and fillers too.
OpenInput with_recorded_law(OpenInput input, std::span<const SlotTime> times,
                            const Window& window) {
  std::vector<double> at;
  for (const SlotTime& time : times) {
    if (in_window(time.record->scheduled, window)) {
      at.push_back(to_seconds(time.record->scheduled - window.from));
    }
  }
  input.rate_rps = static_cast<double>(at.size()) / window.seconds();
  if (at.size() < 3) return input;
  std::sort(at.begin(), at.end());
  std::vector<double> gaps;
  for (size_t i = 1; i < at.size(); ++i) gaps.push_back(at[i] - at[i - 1]);
  const Moments moments = moments_of(gaps);
  input.arrival_cv = moments.mean > 0 ? std::sqrt(moments.variance) / moments.mean : 0;
  return input;
}

// Requests that came within a service time before `at`.
double came_before(std::span<const SlotTime> times, Instant at, double service_s) {
  const Instant from = at - from_seconds(service_s);
  return static_cast<double>(std::count_if(times.begin(), times.end(), [&](const SlotTime& time) {
    return time.record->scheduled >= from && time.record->scheduled < at;
  }));
}

// In heavy traffic the growth of a server that can carry the load is at most that of a reflected
// Brownian motion of variance rate · length · (ca² + cs²).
double growth_limit(const OpenInput& input, double length_s, double service_cv) {
  const double squares = input.arrival_cv * input.arrival_cv + service_cv * service_cv;
  return std::max(kLeastGrowth, kGrowthDeviations * std::sqrt(input.rate_rps * length_s * squares));
}

// Requests in flight at `at` where none waits: those that came within a service time.
double expected_in_flight(const OpenInput& input, Instant at, double service_s) {
  const Duration after = at - from_ns(input.run.start_ns) - input.profile_from;
  return arrivals_between(input.profile, after - from_seconds(service_s), after);
}

void judge(RunStats& stats, std::span<const SlotTime> times, const OpenInput& input,
           const Window& window) {
  OpenLoad& open = *stats.open;
  const std::optional<Waits> waits = waits_of(times, window);
  // Growth while the load builds up is no overload.
  Instant from = window.from;
  if (waits) {
    const Instant built_up = from_ns(input.run.start_ns) + input.begins +
                             from_seconds(kServicesToSettle * waits->service_s);
    from = std::clamp(built_up, window.from, window.from + (window.to - window.from) / 2);
  }
  const auto growth =
      static_cast<double>(in_flight_at(times, window.to) - in_flight_at(times, from));
  const double length_s = to_seconds(window.to - from);
  open.growth_limit = growth_limit(input, length_s, service_cv(times));
  if (waits && !input.profile.empty()) {
    *open.growth_limit += expected_in_flight(input, window.to, waits->service_s) -
                          expected_in_flight(input, from, waits->service_s);
  }
  if (waits && input.recorded) {
    *open.growth_limit += came_before(times, window.to, waits->service_s) -
                          came_before(times, from, waits->service_s);
  }
  stats.growth_rps = growth / length_s;
  if (growth > *open.growth_limit) {
    open.state = LoadState::kOverloaded;
  } else if (waits && waits->last_quarter_s > kUnsettledWait * waits->service_s) {
    open.state = LoadState::kUnsettled;
  }
}

void fill_rates_of(RunStats& stats, std::span<const SlotTime> times, const Window& window) {
  OpenLoad& open = *stats.open;
  const double length_s = window.seconds();
  int64_t served = 0;
  double tokens = 0;
  for (const SlotTime& time : times) {
    const RequestRecord& record = *time.record;
    if (time.measured() && in_window(record.scheduled, window)) ++open.scheduled;
    if (record.sent && in_window(*record.sent, window)) ++open.sent;
    const bool ended = record.outcome == Outcome::kOk && record.end;
    if (ended && in_window(*record.end, window)) ++served;
    tokens += tokens_inside(time, window);
  }
  open.waiting_at_end = waiting_at(times, window.to);
  stats.offered_rps = static_cast<double>(open.scheduled) / length_s;
  stats.achieved_rps = static_cast<double>(open.sent) / length_s;
  stats.served_rps = static_cast<double>(served) / length_s;
  stats.request_throughput_rps = stats.served_rps;
  stats.steady_output_throughput_tps = tokens / length_s;
  stats.output_throughput_tps = stats.steady_output_throughput_tps;
  stats.achieved_concurrency = mean_in_flight(times, window);
  stats.wall_seconds = length_s;
}

}  // namespace

void drop_latencies(RunStats& stats) {
  for (const Quantity& quantity : quantities()) {
    if (!quantity.is_latency()) continue;
    if (quantity.distribution != nullptr) stats.*quantity.distribution = {};
    if (quantity.number != nullptr) (stats.*quantity.number).reset();
    if (quantity.maybe != nullptr) (stats.*quantity.maybe).reset();
  }
  stats.vllm.reset();
}

void fill_open_load(RunStats& stats, std::span<const SlotTime> times, const OpenInput& input) {
  OpenLoad& open = stats.open.emplace();
  open.overload = input.run.overload;
  open.schedule_sha256 = input.run.schedule_sha256;
  const std::optional<Window> window = window_of(times, input);
  if (window) {
    open.window_from_ns = to_ns(window->from);
    open.window_to_ns = to_ns(window->to);
    fill_rates_of(stats, times, *window);
    judge(stats, times, input.recorded ? with_recorded_law(input, times, *window) : input, *window);
  }
  if (open.overload != Overload::kNone) open.state = LoadState::kOverloaded;
  if (!stats.is_overloaded()) return;
  open.transient_e2e = stats.e2e;
  open.transient_ttft = stats.ttft;
  drop_latencies(stats);
}

}  // namespace llmsweep

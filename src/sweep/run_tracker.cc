#include "sweep/run_tracker.h"

#include <algorithm>

#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {

void RunTracker::add(const RequestRecord& record) {
  if (record.phase != Phase::kMeasured || record.outcome != Outcome::kOk) return;
  const RequestMetrics metrics = request_metrics(record);
  if (!metrics.e2e_ms) return;
  const std::lock_guard lock(mutex_);
  e2e_ms_.push_back(*metrics.e2e_ms);
  if (metrics.ttft_ms) ttft_ms_.push_back(*metrics.ttft_ms);
}

// Tokens that came in the last seconds, or inputs of an API that generates none. A chunk is as many
// as those of ended requests were on average, and one until one has ended.
double RunTracker::recent_tps(const LoadControl& control, Instant now) {
  constexpr Duration kRecent = std::chrono::seconds(5);
  while (seen_.size() > 1 && seen_[1].at + kRecent <= now) seen_.pop_front();
  const Seen before = seen_.front();
  const int64_t inputs = position_.inputs;
  const int64_t chunks = inputs > 0 ? control.ended.load() * inputs : control.chunks.load();
  if (seen_.back().at < now) seen_.push_back({now, chunks});
  if (now <= before.at) return 0;
  const int64_t ended = inputs > 0 ? 0 : control.ended_chunks.load();
  const double tokens_a_chunk =
      ended > 0 ? static_cast<double>(control.output_tokens.load()) / static_cast<double>(ended)
                : 1;
  return static_cast<double>(chunks - before.chunks) * tokens_a_chunk / to_seconds(now - before.at);
}

LevelProgress RunTracker::progress(const LoadControl& control, size_t loops, Instant now) {
  LevelProgress shown{.position = position_,
                      .total = measured_,
                      .in_flight = control.in_flight.load(),
                      .errors = control.measured_failed.load()};
  shown.done = control.measured_ok.load() + shown.errors;
  if (control.stop.load() != Stop::kNone) {
    shown.stage = LevelStage::kStopping;
  } else if (shown.done == 0) {
    shown.stage = LevelStage::kWarmup;
  }
  const double elapsed = to_seconds(now - started_);
  if (elapsed > 0) {
    (position_.inputs > 0 ? shown.inputs_per_s : shown.output_tps) = recent_tps(control, now);
    shown.client_busy =
        static_cast<double>(control.busy_ns.load()) / 1e9 / elapsed / static_cast<double>(loops);
  }
  if (const int64_t until = control.measure_until_ns.load(); until > 0) {
    const Duration left = std::max(Duration(0), from_ns(until) - now);
    const double share = 1 - to_seconds(left) / to_seconds(*measure_for_);
    const double at_this_pace = static_cast<double>(shown.done) / std::max(share, 1e-3);
    shown.total = std::max(measured_, static_cast<int64_t>(at_this_pace));
    shown.level_eta = left;
    if (position_.runs_after) shown.sweep_eta = left + *position_.runs_after;
  } else if (shown.done > 0) {
    const double left = static_cast<double>(shown.total - shown.done);
    shown.level_eta = from_seconds(elapsed / static_cast<double>(shown.done) * left);
    if (position_.runs_after) shown.sweep_eta = *shown.level_eta + *position_.runs_after;
  }
  std::vector<double> sample, ttft;
  {
    const std::lock_guard lock(mutex_);
    sample = e2e_ms_;
    ttft = ttft_ms_;
  }
  if (!ttft.empty()) {
    std::sort(ttft.begin(), ttft.end());
    shown.ttft_p50_ms = percentile(ttft, 0.5);
  }
  if (!sample.empty()) {
    std::sort(sample.begin(), sample.end());
    shown.e2e_p50_ms = percentile(sample, 0.5);
    shown.e2e_p50_ci95 = percentile_interval(sample, {.p = 0.5});
  }
  return shown;
}

}  // namespace llmsweep

#include "analysis/equal_latency.h"

#include <algorithm>
#include <cmath>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/isotonic.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

constexpr int kStepsInside = 3;

struct Curve {
  std::vector<double> latency_ms;  // never falling
  std::vector<double> tps_per_gpu;
};

std::optional<double> e2e_of(const LevelStats& level) {
  return figure_of(level, measure_of("e2e")).value;
}

std::vector<const LevelStats*> usable_levels(const SweepResult& result) {
  std::vector<const LevelStats*> levels;
  for (const LevelStats& level : result.levels) {
    const bool judged = can_be_judged(level, measure_of("e2e")) &&
                        can_be_judged(level, measure_of("throughput_per_gpu"));
    if (judged && e2e_of(level)) levels.push_back(&level);
  }
  std::sort(levels.begin(), levels.end(),
            [](const LevelStats* a, const LevelStats* b) { return a->point < b->point; });
  return levels;
}

// Latency that falls with the load is noise: the curve is its isotonic regression.
Curve curve_of(const SweepResult& result, bool with_drain) {
  Curve curve;
  if (result.system.gpus < 1) return curve;
  for (const LevelStats* level : usable_levels(result)) {
    const auto tps = throughput_of(level->pooled, {.with_drain = with_drain});
    if (!tps) continue;
    curve.latency_ms.push_back(*e2e_of(*level));
    curve.tps_per_gpu.push_back(*tps / result.system.gpus);
  }
  curve.latency_ms = isotonic_increasing(curve.latency_ms);
  return curve;
}

// One repeat's own curve over the levels that have it, and the curves of all repeats.
Curve curve_of_repeat(const SweepResult& result, bool with_drain, int repeat) {
  Curve curve;
  for (const LevelStats* level : usable_levels(result)) {
    const auto run = std::find_if(level->runs.begin(), level->runs.end(),
                                  [repeat](const RunStats& r) { return r.repeat == repeat; });
    if (run == level->runs.end()) continue;
    const auto tps = throughput_of(*run, {.with_drain = with_drain});
    if (!run->e2e.p50 || !tps) continue;
    curve.latency_ms.push_back(*run->e2e.p50);
    curve.tps_per_gpu.push_back(*tps / result.system.gpus);
  }
  curve.latency_ms = isotonic_increasing(curve.latency_ms);
  return curve;
}
std::vector<Curve> curves_of_repeats(const SweepResult& result, bool with_drain) {
  int repeats = 0;
  for (const LevelStats* level : usable_levels(result)) {
    for (const RunStats& run : level->runs) repeats = std::max(repeats, run.repeat + 1);
  }
  std::vector<Curve> curves;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    Curve curve = curve_of_repeat(result, with_drain, repeat);
    if (!curve.latency_ms.empty()) curves.push_back(std::move(curve));
  }
  return curves;
}

// `latency` inside the curve. Where the curve is flat in latency: the highest throughput of there.
double throughput_at(const Curve& curve, double latency) {
  const auto above = std::upper_bound(curve.latency_ms.begin(), curve.latency_ms.end(), latency);
  const size_t i = static_cast<size_t>(above - curve.latency_ms.begin());
  const double at = curve.latency_ms[i - 1];
  if (at == latency) {
    double best = curve.tps_per_gpu[i - 1];
    for (size_t k = i - 1; k-- > 0 && curve.latency_ms[k] == at;) {
      best = std::max(best, curve.tps_per_gpu[k]);
    }
    return best;
  }
  const double share = (latency - at) / (curve.latency_ms[i] - at);
  return curve.tps_per_gpu[i - 1] + share * (curve.tps_per_gpu[i] - curve.tps_per_gpu[i - 1]);
}

// Nothing where a repeat does not reach the latency: those that do would be the slower ones.
std::optional<std::vector<double>> throughputs_at(const std::vector<Curve>& curves,
                                                  double latency) {
  std::vector<double> throughputs;
  for (const Curve& curve : curves) {
    if (latency < curve.latency_ms.front() || latency > curve.latency_ms.back()) {
      return std::nullopt;
    }
    throughputs.push_back(throughput_at(curve, latency));
  }
  return throughputs;
}

Interval ratio_interval(const Interval& logs) {
  return {std::exp(logs.low), std::exp(logs.high)};
}

std::vector<double> latencies_of(const Curve& a, const Curve& b,
                                 const std::vector<Target>& targets) {
  const double low = std::max(a.latency_ms.front(), b.latency_ms.front());
  const double high = std::min(a.latency_ms.back(), b.latency_ms.back());
  if (low > high || low <= 0) return {};
  std::vector<double> latencies = {low, high};
  for (int step = 1; step <= kStepsInside; ++step) {
    latencies.push_back(
        std::clamp(low * std::pow(high / low, step / (kStepsInside + 1.0)), low, high));
  }
  for (const Target& target : parts_of(targets)) {
    const double ms = to_ms(target.max);
    if (target.metric == Metric::kE2e && target.statistic == Statistic::kP50 && ms >= low &&
        ms <= high) {
      latencies.push_back(ms);
    }
  }
  std::sort(latencies.begin(), latencies.end());
  latencies.erase(std::unique(latencies.begin(), latencies.end()), latencies.end());
  return latencies;
}

}  // namespace

std::vector<EqualLatency> equal_latency(const SweepResult& baseline, const SweepResult& candidate,
                                        const std::vector<Target>& targets, double noise) {
  bool drain = false;
  Curve a = curve_of(baseline, drain);
  Curve b = curve_of(candidate, drain);
  if (a.latency_ms.empty() || b.latency_ms.empty()) {
    drain = true;
    a = curve_of(baseline, drain);
    b = curve_of(candidate, drain);
  }
  std::vector<EqualLatency> rows;
  if (a.latency_ms.empty() || b.latency_ms.empty()) return rows;
  const std::vector<Curve> of_a = curves_of_repeats(baseline, drain);
  const std::vector<Curve> of_b = curves_of_repeats(candidate, drain);
  for (const double latency : latencies_of(a, b, targets)) {
    EqualLatency row{.e2e_p50_ms = latency,
                     .baseline_tps_per_gpu = throughput_at(a, latency),
                     .candidate_tps_per_gpu = throughput_at(b, latency)};
    if (row.baseline_tps_per_gpu <= 0) continue;
    row.ratio = row.candidate_tps_per_gpu / row.baseline_tps_per_gpu;
    const auto runs_a = throughputs_at(of_a, latency), runs_b = throughputs_at(of_b, latency);
    if (runs_a && runs_b) {
      const auto test = log_ratio(*runs_a, *runs_b, MeanKind::kGeometric);
      if (test) row.ci95 = ratio_interval(noisy_interval(*test, noise));
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace llmsweep

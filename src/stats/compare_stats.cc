#include "llmsweep/stats/compare_stats.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

std::optional<std::vector<double>> logs_of(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  std::vector<double> logs;
  logs.reserve(values.size());
  for (double value : values) {
    if (!(value > 0)) return std::nullopt;
    logs.push_back(std::log(value));
  }
  return logs;
}

Interval exp_of(const Interval& interval) {
  return {std::exp(interval.low), std::exp(interval.high)};
}

// The limit moved by the tolerance in the system's favour.
double relaxed(double limit, const LimitOptions& options) {
  return options.direction == Direction::kLowerIsBetter ? limit * (1 + options.tolerance)
                                                        : limit / (1 + options.tolerance);
}

Decision decide(const Interval& interval, double limit, Direction direction) {
  const bool lower_is_better = direction == Direction::kLowerIsBetter;
  const double worst = lower_is_better ? interval.high : interval.low;
  const double best = lower_is_better ? interval.low : interval.high;
  const auto meets = [&](double value) {
    return lower_is_better ? value <= limit : value >= limit;
  };
  if (meets(worst)) return Decision::kMet;
  if (!meets(best)) return Decision::kMissed;
  return Decision::kUndecided;
}

}  // namespace

std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options) {
  const auto from = logs_of(baseline);
  const auto to = logs_of(candidate);
  if (!from || !to) return std::nullopt;
  RatioComparison result;
  const double difference = moments_of(*to).mean - moments_of(*from).mean;
  result.ratio = std::exp(difference);
  const auto test = welch(*from, *to);
  if (!test) return result;
  const Interval interval = test->interval(options.confidence);
  result.interval = exp_of(interval);
  result.p_value = test->p_value();
  const bool shown = interval.low > 0 || interval.high < 0;
  if (!shown || std::abs(difference) < std::log1p(options.minimum_effect)) {
    result.verdict = Verdict::kNoDifferenceShown;
  } else {
    const bool lower = difference < 0;
    const bool better = lower == (options.direction == Direction::kLowerIsBetter);
    result.verdict = better ? Verdict::kBetter : Verdict::kWorse;
  }
  return result;
}

std::optional<LimitDecision> decide_limit(std::span<const double> runs,
                                          const LimitOptions& options) {
  const auto logs = logs_of(runs);
  if (!logs) return std::nullopt;
  LimitDecision result{.value = std::exp(moments_of(*logs).mean),
                       .effective_limit = relaxed(options.limit, options)};
  const auto interval = student_interval(*logs, options.confidence);
  if (!interval) return result;
  result.interval = exp_of(*interval);
  result.decision = decide(*result.interval, result.effective_limit, options.direction);
  return result;
}

std::optional<LimitDecision> decide_no_worse(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const LimitOptions& options) {
  const auto ratio = compare_ratio(
      baseline, candidate, {.direction = options.direction, .confidence = options.confidence});
  if (!ratio) return std::nullopt;
  LimitDecision result{
      .value = ratio->ratio, .interval = ratio->interval, .effective_limit = relaxed(1, options)};
  if (result.interval) {
    result.decision = decide(*result.interval, result.effective_limit, options.direction);
  }
  return result;
}

}  // namespace llmsweep

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

double relaxed(double limit, const LimitOptions& options) {
  const bool lower = options.direction == Direction::kLowerIsBetter;
  return limit * (lower ? 1 + options.tolerance : 1 - options.tolerance);
}

// A mean of logs, or a difference of two, with its Student distribution.
struct Estimate {
  double mean;
  double standard_error;
  double degrees;
};

// Relative: what the logarithm of a value and of the same value as a limit may differ by.
constexpr double kRounding = 1e-12;

void decide(LimitDecision& result, const Estimate& estimate, const LimitOptions& options) {
  const double half =
      student_quantile(options.confidence, estimate.degrees) * estimate.standard_error;
  result.bounds = exp_of({estimate.mean - half, estimate.mean + half});
  const double beyond = (estimate.mean - std::log(result.effective_limit)) *
                        (options.direction == Direction::kLowerIsBetter ? 1 : -1);
  if (beyond + half <= kRounding) {
    result.decision = Decision::kMet;
  } else if (beyond - half > kRounding) {
    result.decision = Decision::kMissed;
  }
  if (estimate.standard_error > kRounding) {
    result.p_missed = student_cdf(-beyond / estimate.standard_error, estimate.degrees);
  } else {
    result.p_missed = beyond > kRounding ? 0 : 1;
  }
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
  const Moments moments = moments_of(*logs);
  LimitDecision result{.value = std::exp(moments.mean),
                       .effective_limit = relaxed(options.limit, options)};
  if (moments.count >= 2) {
    const auto count = static_cast<double>(moments.count);
    decide(result, {moments.mean, std::sqrt(moments.variance / count), count - 1}, options);
  }
  return result;
}

std::optional<LimitDecision> decide_no_worse(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const LimitOptions& options) {
  const auto from = logs_of(baseline);
  const auto to = logs_of(candidate);
  if (!from || !to) return std::nullopt;
  LimitDecision result{.value = std::exp(moments_of(*to).mean - moments_of(*from).mean),
                       .effective_limit = relaxed(1, options)};
  if (const auto test = welch(*from, *to)) {
    decide(result, {test->difference, test->standard_error, test->degrees}, options);
  }
  return result;
}

}  // namespace llmsweep

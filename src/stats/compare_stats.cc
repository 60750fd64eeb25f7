#include "llmsweep/stats/compare_stats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace llmsweep {
namespace {

// Not finite: no values, or a mean that has no logarithm.
double log_of_mean(std::span<const double> values, MeanKind mean) {
  if (values.empty()) return -std::numeric_limits<double>::infinity();
  if (mean == MeanKind::kArithmetic) return std::log(moments_of(values).mean);
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options) {
  const double from = log_of_mean(baseline, options.mean);
  const double to = log_of_mean(candidate, options.mean);
  if (!std::isfinite(from) || !std::isfinite(to)) return std::nullopt;
  const auto test = log_ratio(baseline, candidate, options.mean);
  RatioComparison result{.ratio = std::exp(test ? test->difference : to - from)};
  if (!test) return result;
  const Interval interval = test->interval(options.confidence);
  result.interval = Interval{std::exp(interval.low), std::exp(interval.high)};
  result.p_value = test->p_value();
  const bool shown = interval.low > 0 || interval.high < 0;
  const double largest = std::max(interval.high, -interval.low);  // that the runs leave possible
  if (!shown || largest < std::log1p(options.minimum_effect)) {
    result.verdict = Verdict::kNoDifferenceShown;
  } else {
    const bool lower = test->difference < 0;
    const bool better = lower == (options.direction == Direction::kLowerIsBetter);
    result.verdict = better ? Verdict::kBetter : Verdict::kWorse;
  }
  return result;
}

}  // namespace llmsweep

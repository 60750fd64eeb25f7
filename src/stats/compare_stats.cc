#include "llmsweep/stats/compare_stats.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

std::optional<std::vector<double>> logs_if_positive(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  std::vector<double> logs;
  logs.reserve(values.size());
  for (double value : values) {
    if (!(value > 0)) return std::nullopt;
    logs.push_back(std::log(value));
  }
  return logs;
}

}  // namespace

std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options) {
  const auto from = logs_if_positive(baseline);
  const auto to = logs_if_positive(candidate);
  if (!from || !to) return std::nullopt;
  RatioComparison result;
  const double difference = moments_of(*to).mean - moments_of(*from).mean;
  result.ratio = std::exp(difference);
  const auto test = welch(*from, *to);
  if (!test) return result;
  const Interval interval = test->interval(options.confidence);
  result.interval = Interval{std::exp(interval.low), std::exp(interval.high)};
  result.p_value = test->p_value();
  const bool shown = interval.low > 0 || interval.high < 0;
  const double largest = std::max(interval.high, -interval.low);  // that the runs leave possible
  if (!shown || largest < std::log1p(options.minimum_effect)) {
    result.verdict = Verdict::kNoDifferenceShown;
  } else {
    const bool lower = difference < 0;
    const bool better = lower == (options.direction == Direction::kLowerIsBetter);
    result.verdict = better ? Verdict::kBetter : Verdict::kWorse;
  }
  return result;
}

}  // namespace llmsweep

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

std::optional<WelchDifference> difference_of(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options) {
  const bool paired = options.paired && baseline.size() == candidate.size();
  return paired ? paired_log_ratio(baseline, candidate, options.mean)
                : log_ratio(baseline, candidate, options.mean);
}

}  // namespace

std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options) {
  const double from = log_of_mean(baseline, options.mean);
  const double to = log_of_mean(candidate, options.mean);
  if (!std::isfinite(from) || !std::isfinite(to)) return std::nullopt;
  const auto of_runs = difference_of(baseline, candidate, options);
  RatioComparison result{.ratio = std::exp(of_runs ? of_runs->difference : to - from)};
  if (!of_runs) return result;
  const Interval within = of_runs->interval(options.confidence);
  result.within = Interval{std::exp(within.low), std::exp(within.high)};
  const Interval interval = noisy_interval(*of_runs, options.noise, options.confidence);
  result.interval = Interval{std::exp(interval.low), std::exp(interval.high)};
  result.p_value = noisy_p_value(*of_runs, options.noise);
  result.verdict = verdict_of(result, *result.p_value, options);
  return result;
}

Verdict verdict_of(const RatioComparison& comparison, double p_value,
                   const CompareOptions& options) {
  if (!comparison.interval) return Verdict::kNoInterval;
  const Interval& interval = *comparison.interval;
  const double largest = std::max(interval.high, 1 / interval.low);  // that the runs leave possible
  const bool shown = p_value <= 1 - options.confidence;
  if (!shown || largest < 1 + options.minimum_effect) return Verdict::kNoDifferenceShown;
  const bool lower = comparison.ratio < 1;
  const bool better = lower == (options.direction == Direction::kLowerIsBetter);
  return better ? Verdict::kBetter : Verdict::kWorse;
}

std::vector<double> sweep_values(std::span<const RunValues> levels) {
  std::vector<double> values;
  if (levels.empty()) return values;
  for (const auto& [repeat, first] : levels.front()) {
    double sum = 0;
    bool in_all = true;
    for (const RunValues& level : levels) {
      const auto run = level.find(repeat);
      in_all = in_all && run != level.end();
      if (!in_all) break;
      if (!(run->second > 0)) return {};
      sum += std::log(run->second);
    }
    if (in_all) values.push_back(std::exp(sum / static_cast<double>(levels.size())));
  }
  return values;
}

}  // namespace llmsweep

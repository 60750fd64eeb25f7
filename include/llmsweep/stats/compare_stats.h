// Two systems' runs of one level against each other.
//
// A run is the unit of replication: every value here is one run's (its median latency, its
// throughput). All work is on logarithms, so that compare(a, b) is the inverse of compare(b, a).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"

namespace llmsweep {

enum class Verdict {
  kBetter,
  kWorse,
  kNoDifferenceShown,  // none is shown, or the interval lies wholly below the minimum effect
  kNoInterval,         // a side has fewer than two runs: the ratio stands without one
};

struct CompareOptions {
  Direction direction = Direction::kLowerIsBetter;
  // A change that is shown to be smaller is no difference: both ends of the interval are nearer to
  // 1 than a factor of 1 + this. See docs/decisions/0003.
  double minimum_effect = 0.03;
  double confidence = 0.95;
  double noise = 0;  // standard deviation of the log ratio that the runs do not show
  MeanKind mean = MeanKind::kGeometric;
  // The i-th runs of the two sides had the same of what differs between runs (an open loop's
  // arrivals, or the moment at which they were measured): t of the log ratios, with n − 1 degrees.
  bool paired = false;
};

struct RatioComparison {
  double ratio = 1;  // candidate ÷ baseline, of the means
  std::optional<Interval> interval;
  std::optional<Interval> within;          // without `noise`
  std::optional<double> p_value;           // two-sided, of ratio = 1
  Verdict verdict = Verdict::kNoInterval;  // of this comparison by itself
};

// exp(d ± t·SE), Welch, or paired. Absent where a side is empty, a mean is not positive or, of
// geometric ones, a value.
std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options = {});

// Of two sides that were measured side by side; fewer have a ratio and no interval.
inline constexpr size_t kFewestPairs = 3;

// `p_value`: of the comparison by itself, or adjusted for the family that it is read in
// (holm_adjusted). Better or worse: it is at most 1 − confidence, and the interval, which is never
// adjusted, does not lie wholly below the minimum effect.
Verdict verdict_of(const RatioComparison& comparison, double p_value,
                   const CompareOptions& options = {});

// One level's runs by their repeat.
using RunValues = std::map<int, double>;
// The geometric mean over the levels of each repeat that all of them have: the values of one side
// for the ratio over a sweep, which is the mean of the levels' log ratios. A repeat is the unit:
// its levels share what the system did in that round, and their noise may differ as it likes.
// Empty: no level, no common repeat, or a value that is not positive.
std::vector<double> sweep_values(std::span<const RunValues> levels);

}  // namespace llmsweep

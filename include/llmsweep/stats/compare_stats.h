// Two systems' runs of one level against each other.
//
// A run is the unit of replication: every value here is one run's (its median latency, its
// throughput). All work is on logarithms, so that compare(a, b) is the inverse of compare(b, a).
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/level.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"

namespace llmsweep {

enum class Verdict {
  kBetter,
  kWorse,
  kNoDifferenceShown,  // the interval holds 1, or lies wholly below the minimum effect
  kNoInterval,         // a side has fewer than two runs: the ratio stands without one
};

struct CompareOptions {
  Direction direction = Direction::kLowerIsBetter;
  // A change that is shown to be smaller is no difference: both ends of the interval are nearer to
  // 1 than a factor of 1 + this. See docs/decisions/0003.
  double minimum_effect = 0.03;
  double confidence = 0.95;
  MeanKind mean = MeanKind::kGeometric;
};

struct RatioComparison {
  double ratio = 1;  // candidate ÷ baseline, of the means
  std::optional<Interval> interval;
  std::optional<double> p_value;  // two-sided, of ratio = 1
  Verdict verdict = Verdict::kNoInterval;
};

// exp(d ± t·SE), Welch. Absent where a side is empty, a mean is not positive or, of geometric ones,
// a value.
std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options = {});

}  // namespace llmsweep

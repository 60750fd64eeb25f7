// Two systems' runs of one level against each other, and one system's against a limit.
//
// A run is the unit of replication: every value here is one run's (its median latency, its
// throughput). All work is on logarithms, so that compare(a, b) is the inverse of compare(b, a).
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/level.h"

namespace llmsweep {

enum class Verdict {
  kBetter,
  kWorse,
  kNoDifferenceShown,  // the interval holds 1, or the change is below the minimum effect
  kNoInterval,         // a side has fewer than two runs: the ratio stands without one
};

enum class Direction { kLowerIsBetter, kHigherIsBetter };

struct CompareOptions {
  Direction direction = Direction::kLowerIsBetter;
  double minimum_effect = 0.03;  // |log ratio| ≥ log(1 + this)
  double confidence = 0.95;
};

struct RatioComparison {
  double ratio = 1;  // candidate ÷ baseline, of the geometric means
  std::optional<Interval> interval;
  std::optional<double> p_value;  // two-sided, of ratio = 1
  Verdict verdict = Verdict::kNoInterval;
};

// exp(d ± t·SE), Welch. Absent where a side is empty or a value is not positive.
std::optional<RatioComparison> compare_ratio(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const CompareOptions& options = {});

// Does the quantity that these runs measure stay at or below (kLowerIsBetter), at or above
// (kHigherIsBetter) the limit? Decided where the one-sided bounds lie on one side of it, so a wrong
// decision either way has at most 1 − confidence. One run is undecided.
enum class Decision { kMet, kMissed, kUndecided };

struct LimitOptions {
  Direction direction = Direction::kLowerIsBetter;
  double limit = 0;          // > 0
  double tolerance = 0;      // the limit counts as limit · (1 + this), or · (1 − this)
  double confidence = 0.95;  // of each one-sided bound; the two together hold 2 · this − 1
};

struct LimitDecision {
  double value = 0;  // geometric mean of the runs
  std::optional<Interval> bounds;
  double effective_limit = 0;  // with the tolerance
  Decision decision = Decision::kUndecided;
  // One-sided, against "the limit is kept": what Holm takes where many limits are checked. kMissed
  // is p_missed < 1 − confidence.
  std::optional<double> p_missed;
};

// Absent without runs or where one is not positive.
std::optional<LimitDecision> decide_limit(std::span<const double> runs,
                                          const LimitOptions& options);

// The same on the ratio candidate ÷ baseline, Welch's: kMissed where the candidate is shown to be
// worse by more than the tolerance, kMet where it is shown not to be. `limit` is not used.
std::optional<LimitDecision> decide_no_worse(std::span<const double> baseline,
                                             std::span<const double> candidate,
                                             const LimitOptions& options);

}  // namespace llmsweep

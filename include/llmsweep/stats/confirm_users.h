// Whether a level truly keeps a target: by runs that were made after the level was chosen, and by
// nothing that chose it. Pure: what has been run in, what to run next or the verdict out.
//
// A bracket whose ends are told by the values of a few repeats misses the true crossing in a tenth
// to a third of all sweeps: of the levels near it, the search keeps those whose noise looked right.
//
// Looks after 3, 4, 6 and 9 fresh runs, one-sided Student's t on the logs of the runs' figures, the
// variance pooled over the levels that have fresh runs, the level alpha ÷ 2 ÷ 4 each. So a level
// that is said to pass misses with at most alpha ÷ 2, likewise for one that is said to miss,
// whatever the search did before; where latency rises with the load, the bracket holds the truth
// with 1 − alpha.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/stats/refine.h"

namespace llmsweep {

inline constexpr double kConfirmError = 0.05;  // alpha
inline constexpr std::array kConfirmLooks = {3, 4, 6, 9};

enum class Confirmed { kOpen, kPasses, kMisses };

// Of several levels, in their order, by the logs of their fresh runs' figures in ms, in the order
// of the runs. None: open.
std::vector<Confirmed> confirmed_by(std::span<const std::vector<double>> logs, double limit_ms,
                                    double alpha = kConfirmError);

// Each of `levels`, in their order, by its fresh runs (RunStats::confirming). Without any: open.
std::vector<Confirmed> confirmed_levels(std::span<const LevelStats* const> levels,
                                        const Target& target, double alpha = kConfirmError);

// What `load.refine` runs next: a level for the search, as often as load.repeats, or one fresh run
// of a level that is there.
struct RefineStep {
  LoadPoint point;
  bool confirming = false;

  bool operator==(const RefineStep&) const = default;
};

// First next_level(), until the bracket is narrow; then fresh runs of its two ends in turns. An end
// that is refuted is an end no more, and the search goes on; one that stays open after nine runs is
// left for a level 5 % further out, at most four times. Nothing: both ends are confirmed, or there
// is no bracket, or it cannot be told.
std::optional<RefineStep> next_refine_step(std::span<const LevelStats> levels, const Target& target,
                                           const RefineOptions& options = {});

}  // namespace llmsweep

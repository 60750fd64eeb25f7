// Users at a latency target: the highest concurrency whose figure (stats/level_figure.h) still
// meets it; and the highest request rate.
//
// Only a valid level with enough requests for the statistic in each run passes or fails; any other
// is neither and is stepped over, which widens the measured bracket. Levels above the lowest
// failing one do not count, even where they pass: latency that comes back under a target by chance
// is not capacity. A published level of which only a bound of the median is known passes p50
// targets from that bound on, and is stepped over below it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "llmsweep/model/level.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/stats/confirm_users.h"

namespace llmsweep {

// Levels in any order, each concurrency, or number of users, once. gpus 0: users_per_gpu stays 0.
//
// c_interpolated: isotonic regression of the statistic over the levels up to c_fail (weights: their
// completed requests), then linear in the concurrency between c_pass and c_fail. Its interval:
// the same inversion of each repeat's own curve, Student t over the logarithms; absent below two
// repeats, where a repeat does not cross the target inside the sweep, and where the bracket is
// wider than 1.1: over such a one the line is not the curve.
//
// Fresh runs of `load.refine` (stats/confirm_users.h) stand before a level's figure; where they
// confirm both ends, `confirmed` is true.
// `alpha`: how often a bracket that they confirm may be wrong.
UsersAtTarget users_at_target(std::span<const LevelStats> levels, const Target& target, int gpus,
                              double alpha = kConfirmError);

// The load that so many users are: their number where the levels are of users, who think between
// their requests, else the concurrency.
LoadPoint at_users(std::span<const LevelStats> levels, int users);

// Requests a second at a target: the same over the rates. An overloaded level misses every target;
// an unsettled one misses it or says nothing.
RateAtTarget rate_at_target(std::span<const LevelStats> levels, const Target& target, int gpus,
                            double alpha = kConfirmError);

// Whole GPUs that carry `rate_rps` at the target, as many as the measured ones scaled up. Absent:
// the GPUs are not stated, or no rate is known to pass.
std::optional<int64_t> gpus_for_rate(const RateAtTarget& rate, double rate_rps);

}  // namespace llmsweep

// The next level to run where the bracket of users at a target is still too wide. Pure: the sweep
// runs what it says, and asks again.
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

struct RefineOptions {
  double max_bracket_ratio = 1.1;  // done once c_fail ÷ c_pass is at most this
};

// The geometric middle of the widest gap between c_pass and c_fail in which no level was run (an
// invalid level divides gaps, so that none is run twice). Nothing where there is no bracket, where
// it is narrow enough, or where no whole number is left in it.
std::optional<LoadPoint> next_level(std::span<const LevelStats> levels, const Target& target,
                                    const RefineOptions& options = {});

}  // namespace llmsweep

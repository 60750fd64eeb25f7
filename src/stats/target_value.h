// What a run and a level have of a target's figures, as one number to hold against limit_of(): the
// figure in ms, or of several limits the largest share of its own that a figure takes. Private to
// stats/.
#pragma once

#include <optional>

#include "llmsweep/model/level.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Absent where one of the figures is.
std::optional<double> target_value(const RunStats& run, const Target& target);
std::optional<double> target_value(const LevelStats& level, const Target& target);

// Whether each of the figures is sound, or may be judged.
bool is_sound_at(const RunStats& run, const Target& target);
bool can_be_judged_at(const LevelStats& level, const Target& target);

}  // namespace llmsweep

// The levels that count for users at a target. Private to stats/.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// By its figure. Nothing where the level does not say, or a run of it. A published bound can only
// pass.
std::optional<bool> meets(const LevelStats& level, const Target& target);

// Valid, sound, and known to meet the target or not; by concurrency.
std::vector<const LevelStats*> judged_levels(std::span<const LevelStats> levels,
                                             const Target& target);

}  // namespace llmsweep

// The levels that count for users at a target. Private to stats/.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// By its figure. Nothing where the level does not say, or a run of it. A published bound can only
// pass; an overloaded level misses, and an unsettled one cannot pass.
std::optional<bool> meets(const LevelStats& level, const Target& target);

// Of one kind of load: valid, sound, and known to meet the target or not; ascending.
std::vector<const LevelStats*> judged_levels(std::span<const LevelStats> levels,
                                             const Target& target,
                                             LoadKind kind = LoadKind::kConcurrency);

}  // namespace llmsweep

// A level's figures of each model, where its requests ask for several.
#pragma once

#include <span>
#include <vector>

#include "llmsweep/stats/level_stats.h"

namespace llmsweep {

// By name; empty where records name no model.
std::vector<ModelStats> stats_by_model(const LevelContext& level,
                                       std::span<const RequestRecord> records);

}  // namespace llmsweep

// What follows from a run's or a level's other figures.
#pragma once

#include "llmsweep/stats/level_stats.h"

namespace llmsweep {

// Fills the drain bias, the throughputs of all tokens and per GPU, and throughput/latency.
void fill_derived(RunStats& stats, const LevelContext& level);

// Takes away what is of output tokens, of an API that generates none.
void drop_output(RunStats& stats);

}  // namespace llmsweep

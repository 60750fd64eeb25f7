// Whether an endpoint carried the load of an open loop, and the rates of it. Private to stats/.
#pragma once

#include <span>

#include "llmsweep/model/level.h"
#include "llmsweep/stats/level_stats.h"
#include "stats/slot_time.h"

namespace llmsweep {

// Fills the rates of the window, throughputs among them, and `open`; needs the latencies. Of an
// overloaded run the latencies, and what is made of them, are then taken away.
void fill_open_load(RunStats& stats, std::span<const SlotTime> times, const OpenInput& input);

// No latency, nor a figure that is made of one.
void drop_latencies(RunStats& stats);

}  // namespace llmsweep

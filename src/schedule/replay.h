// The schedule of recorded traffic: each request at its own instant, scaled. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "llmsweep/model/arrival.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// The levels of a trace, by what scales it: those of its one list, or 1. Without a trace: none.
std::vector<double> trace_scales(const TraceSpec& trace);

// Of trace.replay. Arrivals in order of time, up to the end of the drain; the first of the fillers
// have prompts planned, as in an open loop, so that those made during the run are of the last
// arrivals. Where sessions are closed a later turn waits for the one before it, and stands where it
// would be due if answers took no time.
Schedule replay(const TraceSpec& trace, double scale, const OpenWindow& window, uint64_t seed);

// The most arrivals a second in any of ten seconds.
double peak_rate(const Schedule& schedule);

}  // namespace llmsweep

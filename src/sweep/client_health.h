// What the client knows of itself after a run.
#pragma once

#include <span>

#include "llmsweep/load/load_loop.h"
#include "llmsweep/load/watchdog.h"
#include "llmsweep/model/level.h"

namespace llmsweep {

// All but what the records say themselves, which run_stats() fills in.
ClientHealth client_health(const LoadOutcome& outcome, std::span<const Stall> stalls);

}  // namespace llmsweep

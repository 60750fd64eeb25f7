// What users with sessions did in a run: rates of the window, turns, whole sessions, prefixes.
// Private to stats/.
#pragma once

#include <span>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/stats/level_stats.h"
#include "stats/slot_time.h"

namespace llmsweep {

// Fills the rates of the window, and `sessions`; needs the latencies.
void fill_session_load(RunStats& stats, std::span<const RequestRecord> records,
                       std::span<const SlotTime> times, const SessionInput& input,
                       const LevelContext& level);

// Of a replay whose sessions are closed: fills `sessions` where the records have any; needs the
// window's length and the state. No law of the users, who come and go, and no prefixes: a turn's
// prompt may begin with what other sessions have, as the trace says.
void fill_trace_sessions(RunStats& stats, std::span<const RequestRecord> records,
                         std::span<const SlotTime> times, const LevelContext& level);

// Of all runs of a level: means of what is of a run, the rest from `records`, which are of all
// runs.
std::optional<SessionLoad> pool_sessions(const std::vector<RunStats>& runs,
                                         std::span<const RequestRecord> records,
                                         const LevelContext& level);

}  // namespace llmsweep

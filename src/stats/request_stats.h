// What the requests say one by one, whenever they happened: counts, latency distributions, token
// counts against the plan, goodput.
#pragma once

#include <cstdint>
#include <span>

#include "llmsweep/stats/level_stats.h"

namespace llmsweep {

// Fills of `stats` the counts, the distributions, both speeds, the goodput fraction and everything
// about tokens. Returns how many measured requests met every goodput target.
int64_t fill_request_stats(RunStats& stats, std::span<const RequestRecord> records,
                           const LevelContext& level);

bool is_good(const RequestRecord& record, const LevelContext& level);

}  // namespace llmsweep

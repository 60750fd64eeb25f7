// How long the requests of a spec may get, and how short.
#pragma once

#include <cstdint>
#include <optional>

#include "llmsweep/model/spec.h"

namespace llmsweep {

// So many that no more than `max_error_rate` of the requests have more.
int64_t largest_likely(const TokenCount& count, double max_error_rate);
// Of the longest prompt: of a session's last turn.
int64_t largest_likely_prompt(const WorkloadSpec& workload, double max_error_rate);
// The fewest that are sure to be drawn; absent: a normal distribution has none.
std::optional<int64_t> fewest_planned(const TokenCount& count);

}  // namespace llmsweep

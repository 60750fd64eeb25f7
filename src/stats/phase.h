// Whether the slots of a closed loop start their requests together.
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/record.h"

namespace llmsweep {

// Of the median E2E latency: starts this close are one start. docs/metrics.md has the definition.
constexpr double kTogether = 0.025;

// Mean over the completed measured requests of the share of the other slots that start a request
// within kTogether of their start, either way. 1: all start together; about 2 · kTogether where
// each starts for itself. Absent: fewer than two slots, or no such request. O(n log n + n · the
// starts that lie so close).
std::optional<double> in_step(std::span<const RequestRecord> records, double e2e_p50_ms);

}  // namespace llmsweep

// Throughput per GPU of two sweeps at the same median E2E latency.
#pragma once

#include <vector>

#include "llmsweep/analysis/compare.h"

namespace llmsweep {

// At the targets (those of p50 E2E) that lie in both ranges, at the ends of what both reach and at
// three geometric steps between them; ascending, none twice. `noise` is in the log ratio beside
// what the runs show. Empty where the ranges do not meet.
std::vector<EqualLatency> equal_latency(const SweepResult& baseline, const SweepResult& candidate,
                                        const std::vector<Target>& targets, double noise);

}  // namespace llmsweep

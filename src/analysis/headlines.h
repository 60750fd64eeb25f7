// What a reader should take away from a comparison, as data.
#pragma once

#include <vector>

#include "llmsweep/analysis/compare.h"

namespace llmsweep {

// In this order: users per GPU at each target; median E2E latency and throughput per GPU over all
// valid common levels, or, where there is one level or no interval, latency at the lowest and
// throughput at the highest; size of the weights.
std::vector<Headline> headlines_of(const Comparison& comparison);

}  // namespace llmsweep

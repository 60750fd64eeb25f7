// Users, and requests a second, at each target, side by side.
#pragma once

#include <vector>

#include "llmsweep/analysis/compare.h"

namespace llmsweep {

// The options' targets; else those that either result was measured for, the baseline's first.
std::vector<Target> targets_of(const SweepResult& baseline, const SweepResult& candidate,
                               const ComparisonOptions& options);

// What the file states for the target, else what its levels give. Published files state users
// for levels of which they do not give the latency.
UsersAtTarget users_of(const SweepResult& result, const Target& target);

// The same of requests a second.
RateAtTarget rate_of(const SweepResult& result, const Target& target);

std::vector<UsersComparison> compare_users(const SweepResult& baseline,
                                           const SweepResult& candidate,
                                           const std::vector<Target>& targets);
std::vector<RateComparison> compare_rates(const SweepResult& baseline, const SweepResult& candidate,
                                          const std::vector<Target>& targets);

}  // namespace llmsweep

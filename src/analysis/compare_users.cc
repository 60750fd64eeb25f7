#include "analysis/compare_users.h"

#include <algorithm>

#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

void add_targets(const SweepResult& result, std::vector<Target>& targets) {
  for (const UsersAtTarget& users : result.users_at_target) {
    if (std::find(targets.begin(), targets.end(), users.target) == targets.end()) {
      targets.push_back(users.target);
    }
  }
}

// candidate ÷ baseline. "At least 64 users" on one side bounds the ratio from its side only.
RatioKind ratio_kind(const UsersAtTarget& baseline, const UsersAtTarget& candidate) {
  if (baseline.users < 1 || candidate.users < 1) return RatioKind::kUndefined;
  const bool baseline_beyond = baseline.kind == UsersKind::kBeyondSweep;
  const bool candidate_beyond = candidate.kind == UsersKind::kBeyondSweep;
  if (baseline_beyond && candidate_beyond) return RatioKind::kUndefined;
  if (baseline_beyond) return RatioKind::kAtMost;
  return candidate_beyond ? RatioKind::kAtLeast : RatioKind::kExact;
}

}  // namespace

std::string_view name_of(RatioKind kind) {
  switch (kind) {
    case RatioKind::kExact:
      return "exact";
    case RatioKind::kAtLeast:
      return "at_least";
    case RatioKind::kAtMost:
      return "at_most";
    case RatioKind::kUndefined:
      return "undefined";
  }
  return "undefined";
}

std::vector<Target> targets_of(const SweepResult& baseline, const SweepResult& candidate,
                               const ComparisonOptions& options) {
  if (!options.targets.empty()) return options.targets;
  std::vector<Target> targets;
  add_targets(baseline, targets);
  add_targets(candidate, targets);
  return targets;
}

UsersAtTarget users_of(const SweepResult& result, const Target& target) {
  for (const UsersAtTarget& users : result.users_at_target) {
    if (users.target == target) return users;
  }
  return users_at_target(result.levels, target, result.system.gpus);
}

std::vector<UsersComparison> compare_users(const SweepResult& baseline,
                                           const SweepResult& candidate,
                                           const std::vector<Target>& targets) {
  std::vector<UsersComparison> rows;
  for (const Target& target : targets) {
    UsersComparison row{.target = target,
                        .baseline = users_of(baseline, target),
                        .candidate = users_of(candidate, target)};
    row.kind = ratio_kind(row.baseline, row.candidate);
    if (row.kind != RatioKind::kUndefined) {
      row.users_ratio = static_cast<double>(row.candidate.users) / row.baseline.users;
      if (row.baseline.users_per_gpu > 0) {
        row.per_gpu_ratio = row.candidate.users_per_gpu / row.baseline.users_per_gpu;
      }
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace llmsweep

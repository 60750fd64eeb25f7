#include "analysis/compare_users.h"

#include <algorithm>

#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

void add_targets(const SweepResult& result, std::vector<Target>& targets) {
  const auto add = [&targets](const Target& target) {
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) {
      targets.push_back(target);
    }
  };
  for (const UsersAtTarget& users : result.users_at_target) add(users.target);
  for (const RateAtTarget& rate : result.rates_at_target) add(rate.target);
}

bool has_levels(const SweepResult& result, LoadKind kind) {
  return std::any_of(result.levels.begin(), result.levels.end(),
                     [kind](const LevelStats& level) { return level.point.kind == kind; });
}

bool has_rates(const SweepResult& result) {
  return !result.rates_at_target.empty() || has_levels(result, LoadKind::kRate);
}

// Published files may state users without a level.
bool has_users(const SweepResult& result) {
  return !result.users_at_target.empty() || has_levels(result, LoadKind::kConcurrency);
}

double load_of(const UsersAtTarget& users) {
  return users.users;
}
double load_of(const RateAtTarget& rate) {
  return rate.rate_rps;
}

// candidate ÷ baseline. "At least 64 users" on one side bounds the ratio from its side only.
template <class AtTarget>
RatioKind ratio_kind(const AtTarget& baseline, const AtTarget& candidate) {
  if (load_of(baseline) <= 0 || load_of(candidate) <= 0) return RatioKind::kUndefined;
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

RateAtTarget rate_of(const SweepResult& result, const Target& target) {
  for (const RateAtTarget& rate : result.rates_at_target) {
    if (rate.target == target) return rate;
  }
  return rate_at_target(result.levels, target, result.system.gpus);
}

std::vector<RateComparison> compare_rates(const SweepResult& baseline, const SweepResult& candidate,
                                          const std::vector<Target>& targets) {
  std::vector<RateComparison> rows;
  if (!has_rates(baseline) && !has_rates(candidate)) return rows;
  for (const Target& target : targets) {
    RateComparison row{.target = target,
                       .baseline = rate_of(baseline, target),
                       .candidate = rate_of(candidate, target)};
    row.kind = ratio_kind(row.baseline, row.candidate);
    if (row.kind != RatioKind::kUndefined) {
      row.rate_ratio = row.candidate.rate_rps / row.baseline.rate_rps;
      if (row.baseline.rate_per_gpu_rps > 0) {
        row.per_gpu_ratio = row.candidate.rate_per_gpu_rps / row.baseline.rate_per_gpu_rps;
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<UsersComparison> compare_users(const SweepResult& baseline,
                                           const SweepResult& candidate,
                                           const std::vector<Target>& targets) {
  std::vector<UsersComparison> rows;
  const bool rates_alone = (has_rates(baseline) || has_rates(candidate)) && !has_users(baseline) &&
                           !has_users(candidate);
  if (rates_alone) return rows;
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

#include "analysis/headlines.h"

namespace llmsweep {
namespace {

bool valid(const LevelComparison& level) {
  return level.baseline_valid && level.candidate_valid;
}

Headline users_headline(const UsersComparison& users) {
  return {.kind = HeadlineKind::kUsersPerGpu,
          .target = users.target,
          .baseline = users.baseline.users_per_gpu,
          .candidate = users.candidate.users_per_gpu,
          .ratio = users.per_gpu_ratio.value_or(0),
          .ratio_kind = users.per_gpu_ratio ? users.kind : RatioKind::kUndefined};
}

}  // namespace

std::vector<Headline> headlines_of(const Comparison& comparison) {
  std::vector<Headline> headlines;
  for (const UsersComparison& users : comparison.users) headlines.push_back(users_headline(users));
  for (const LevelComparison& level : comparison.levels) {
    if (!valid(level) || !level.e2e_p50) continue;
    headlines.push_back({.kind = HeadlineKind::kLatency,
                         .point = level.point,
                         .baseline = level.e2e_p50->baseline,
                         .candidate = level.e2e_p50->candidate,
                         .ratio = 1 / level.e2e_p50->ratio,
                         .verdict = level.e2e_p50->verdict});
    break;
  }
  for (auto level = comparison.levels.rbegin(); level != comparison.levels.rend(); ++level) {
    if (!valid(*level) || !level->throughput_per_gpu_tps) continue;
    headlines.push_back({.kind = HeadlineKind::kThroughputPerGpu,
                         .point = level->point,
                         .baseline = level->throughput_per_gpu_tps->baseline,
                         .candidate = level->throughput_per_gpu_tps->candidate,
                         .ratio = level->throughput_per_gpu_tps->ratio,
                         .verdict = level->throughput_per_gpu_tps->verdict});
    break;
  }
  if (comparison.weights_gb) {
    headlines.push_back({.kind = HeadlineKind::kWeights,
                         .baseline = comparison.weights_gb->baseline,
                         .candidate = comparison.weights_gb->candidate,
                         .ratio = 1 / comparison.weights_gb->ratio});
  }
  return headlines;
}

}  // namespace llmsweep

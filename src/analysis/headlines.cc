#include "analysis/headlines.h"

namespace llmsweep {
namespace {

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
    const auto& e2e = level.ratio_of(measure_of("e2e"));
    if (!e2e || !e2e->verdict) continue;
    headlines.push_back({.kind = HeadlineKind::kLatency,
                         .point = level.point,
                         .baseline = e2e->baseline,
                         .candidate = e2e->candidate,
                         .ratio = 1 / e2e->ratio,
                         .verdict = e2e->verdict});
    break;
  }
  for (auto level = comparison.levels.rbegin(); level != comparison.levels.rend(); ++level) {
    const auto& per_gpu = level->ratio_of(measure_of("throughput_per_gpu"));
    if (!per_gpu || !per_gpu->verdict) continue;
    headlines.push_back({.kind = HeadlineKind::kThroughputPerGpu,
                         .point = level->point,
                         .baseline = per_gpu->baseline,
                         .candidate = per_gpu->candidate,
                         .ratio = per_gpu->ratio,
                         .verdict = per_gpu->verdict});
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

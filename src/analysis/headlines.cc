#include "analysis/headlines.h"

namespace llmsweep {
namespace {

bool states_gpus(const UsersAtTarget& users) {
  return users.users == 0 || users.users_per_gpu > 0;
}

Headline users_headline(const UsersComparison& users) {
  if (!states_gpus(users.baseline) || !states_gpus(users.candidate)) {
    return {.kind = HeadlineKind::kUsersPerGpu,
            .target = users.target,
            .per_gpu = false,
            .baseline = static_cast<double>(users.baseline.users),
            .candidate = static_cast<double>(users.candidate.users),
            .ratio = users.users_ratio.value_or(0),
            .ratio_kind = users.users_ratio ? users.kind : RatioKind::kUndefined};
  }
  return {.kind = HeadlineKind::kUsersPerGpu,
          .target = users.target,
          .baseline = users.baseline.users_per_gpu,
          .candidate = users.candidate.users_per_gpu,
          .ratio = users.per_gpu_ratio.value_or(0),
          .ratio_kind = users.per_gpu_ratio ? users.kind : RatioKind::kUndefined};
}

Headline rate_headline(const RateComparison& rates) {
  const auto states = [](const RateAtTarget& rate) {
    return rate.rate_rps <= 0 || rate.rate_per_gpu_rps > 0;
  };
  const bool per_gpu = states(rates.baseline) && states(rates.candidate);
  const std::optional<double>& ratio = per_gpu ? rates.per_gpu_ratio : rates.rate_ratio;
  return {.kind = HeadlineKind::kRatePerGpu,
          .target = rates.target,
          .per_gpu = per_gpu,
          .baseline = per_gpu ? rates.baseline.rate_per_gpu_rps : rates.baseline.rate_rps,
          .candidate = per_gpu ? rates.candidate.rate_per_gpu_rps : rates.candidate.rate_rps,
          .ratio = ratio.value_or(0),
          .ratio_kind = ratio ? rates.kind : RatioKind::kUndefined};
}

// Over the whole sweep, where repeats on both sides give it an interval.
std::optional<Headline> sweep_headline(const Comparison& comparison, HeadlineKind kind,
                                       const Measure& measure) {
  const auto& ratio = comparison.sweep_ratio_of(measure);
  if (!ratio || !ratio->ci95 || comparison.sweep_levels.empty()) return std::nullopt;
  return Headline{.kind = kind,
                  .point = comparison.sweep_levels.front(),
                  .last = comparison.sweep_levels.back(),
                  .levels = ratio->levels,
                  .ci95 = ratio->ci95,
                  .baseline = ratio->baseline,
                  .candidate = ratio->candidate,
                  .ratio = kind == HeadlineKind::kLatency ? 1 / ratio->ratio : ratio->ratio,
                  .verdict = ratio->verdict};
}

std::optional<Headline> level_headline(const LevelComparison& level, HeadlineKind kind,
                                       const Measure& measure) {
  const auto& ratio = level.ratio_of(measure);
  if (!ratio || !ratio->judgeable) return std::nullopt;
  return Headline{.kind = kind,
                  .point = level.point,
                  .last = level.point,
                  .ci95 = ratio->ci95,
                  .baseline = ratio->baseline,
                  .candidate = ratio->candidate,
                  .ratio = kind == HeadlineKind::kLatency ? 1 / ratio->ratio : ratio->ratio,
                  .verdict = ratio->verdict};
}

// Without one: latency at the lowest level that can tell, throughput at the highest.
std::optional<Headline> latency_headline(const Comparison& comparison) {
  const Measure measure = measure_of("e2e");
  if (auto headline = sweep_headline(comparison, HeadlineKind::kLatency, measure)) return headline;
  for (const LevelComparison& level : comparison.levels) {
    if (auto headline = level_headline(level, HeadlineKind::kLatency, measure)) return headline;
  }
  return std::nullopt;
}

std::optional<Headline> throughput_headline(const Comparison& comparison) {
  const Measure measure = measure_of("throughput_per_gpu");
  constexpr auto kKind = HeadlineKind::kThroughputPerGpu;
  if (auto headline = sweep_headline(comparison, kKind, measure)) return headline;
  for (auto level = comparison.levels.rbegin(); level != comparison.levels.rend(); ++level) {
    if (auto headline = level_headline(*level, kKind, measure)) return headline;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Headline> headlines_of(const Comparison& comparison) {
  std::vector<Headline> headlines;
  for (const UsersComparison& users : comparison.users) headlines.push_back(users_headline(users));
  for (const RateComparison& rates : comparison.rates) headlines.push_back(rate_headline(rates));
  if (auto latency = latency_headline(comparison)) headlines.push_back(*latency);
  if (auto throughput = throughput_headline(comparison)) headlines.push_back(*throughput);
  if (comparison.weights_gb) {
    headlines.push_back({.kind = HeadlineKind::kWeights,
                         .baseline = comparison.weights_gb->baseline,
                         .candidate = comparison.weights_gb->candidate,
                         .ratio = 1 / comparison.weights_gb->ratio});
  }
  return headlines;
}

}  // namespace llmsweep

#include "llmsweep/model/describe.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/model/target.h"

namespace llmsweep {

double mean_tokens(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return static_cast<double>(count.fixed);
    case TokenCount::Kind::kUniform:
      return (static_cast<double>(count.min) + static_cast<double>(count.max)) / 2;
    case TokenCount::Kind::kNormal:
      return count.mean;
    case TokenCount::Kind::kWeighted:
      break;
  }
  double sum = 0;
  double weights = 0;
  for (const auto& [tokens, weight] : count.weighted) {
    sum += static_cast<double>(tokens) * weight;
    weights += weight;
  }
  return weights > 0 ? sum / weights : 0;
}

std::string tokens_text(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return format_number(static_cast<double>(count.fixed));
    case TokenCount::Kind::kUniform:
      return fmt::format("{} to {}", format_number(static_cast<double>(count.min)),
                         format_number(static_cast<double>(count.max)));
    case TokenCount::Kind::kNormal:
      if (!count.stddev) return format_number(count.mean) + " on average";
      return fmt::format("{} ± {}", format_number(count.mean), format_number(*count.stddev));
    case TokenCount::Kind::kWeighted:
      break;
  }
  return fmt::format("{} on average ({} lengths)", format_number(mean_tokens(count)),
                     count.weighted.size());
}

namespace {

std::string interrupted_text(const SweepResult& result) {
  size_t runs = 0;
  for (const LevelStats& level : result.levels) runs += level.runs.size();
  const std::string what = result.stopped_for.empty() ? "interrupted" : "stopped for its budget";
  if (result.planned_runs == 0) return what;
  return fmt::format("{}: {} of {} runs", what, runs, result.planned_runs);
}

}  // namespace

std::vector<std::string> marks_of(const SweepResult& result) {
  std::vector<std::string> marks;
  if (result.simulated) marks.emplace_back("SIMULATED");
  if (result.source == Source::kPublished) marks.emplace_back("published");
  if (result.source == Source::kImported) marks.emplace_back("imported");
  if (result.preliminary) marks.emplace_back("preliminary");
  if (result.interrupted) marks.push_back(interrupted_text(result));
  return marks;
}

std::vector<Target> answered_targets(const SweepResult& result) {
  std::vector<Target> targets;
  const auto add = [&targets](const Target& target) {
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) {
      targets.push_back(target);
    }
  };
  for (const UsersAtTarget& users : result.users_at_target) add(users.target);
  for (const RateAtTarget& rate : result.rates_at_target) add(rate.target);
  return parts_of(targets);
}

}  // namespace llmsweep

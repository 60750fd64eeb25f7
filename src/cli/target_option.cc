#include "cli/target_option.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "llmsweep/model/target.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/stats/cost.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {

void add_targets(CLI::App& command, std::vector<std::string>& targets) {
  command
      .add_option(
          "--target", targets,
          "Users per GPU at e2e:p50:15s, or at ttft:p95:2s+decode_speed:p95:30 (repeatable)")
      ->type_name("METRIC:STATISTIC:LIMIT[+...]")
      ->allow_extra_args(false);
}

void answer_targets(const std::vector<std::string>& targets, SweepResult& result) {
  std::vector<Target> asked;
  const auto is_asked = [&asked](const Target& target) {
    return std::find(asked.begin(), asked.end(), target) != asked.end();
  };
  for (const std::string& text : targets) {
    const Target target = parse_target(text);
    if (!is_asked(target)) asked.push_back(target);
  }
  const auto has = [&result](LoadKind kind) {
    return std::any_of(result.levels.begin(), result.levels.end(),
                       [kind](const LevelStats& level) { return level.point.kind == kind; });
  };
  const bool rates = has(LoadKind::kRate);
  const bool users = has(LoadKind::kConcurrency) || !rates;
  std::vector<UsersAtTarget> of_users;
  std::vector<RateAtTarget> of_rates;
  const int gpus = result.system.gpus;
  for (const Target& target : asked) {
    if (users) of_users.push_back(users_at_target(result.levels, target, gpus));
    if (rates) of_rates.push_back(rate_at_target(result.levels, target, gpus));
  }
  for (const UsersAtTarget& own : result.users_at_target) {
    if (!is_asked(own.target)) of_users.push_back(own);
  }
  for (const RateAtTarget& own : result.rates_at_target) {
    if (!is_asked(own.target)) of_rates.push_back(own);
  }
  result.users_at_target = std::move(of_users);
  result.rates_at_target = std::move(of_rates);
  fill_operating_points(result);
}

}  // namespace llmsweep

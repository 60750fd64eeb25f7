#include "cli/target_option.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "llmsweep/spec/spec_file.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {

void add_targets(CLI::App& command, std::vector<std::string>& targets) {
  command.add_option("--target", targets, "Users per GPU at e2e:p50:15s (repeatable)")
      ->type_name("METRIC:STATISTIC:TIME")
      ->allow_extra_args(false);
}

void answer_targets(const std::vector<std::string>& targets, SweepResult& result) {
  std::vector<UsersAtTarget> answers;
  const auto known = [&](const Target& target) {
    return std::any_of(answers.begin(), answers.end(),
                       [&](const UsersAtTarget& answer) { return answer.target == target; });
  };
  for (const std::string& text : targets) {
    const Target target = parse_target(text);
    if (!known(target)) {
      answers.push_back(users_at_target(result.levels, target, result.system.gpus));
    }
  }
  for (const UsersAtTarget& own : result.users_at_target) {
    if (!known(own.target)) answers.push_back(own);
  }
  result.users_at_target = std::move(answers);
}

}  // namespace llmsweep

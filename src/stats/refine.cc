#include "llmsweep/stats/refine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {

std::optional<LoadPoint> next_level(std::span<const LevelStats> levels, const Target& target,
                                    const RefineOptions& options) {
  const UsersAtTarget users = users_at_target(levels, target, 0);
  if (!users.c_pass || !users.c_fail) return std::nullopt;
  const int pass = *users.c_pass;
  const int fail = *users.c_fail;
  if (fail <= pass * options.max_bracket_ratio) return std::nullopt;
  std::vector<int> run;
  for (const LevelStats& level : levels) {
    const int concurrency = level.point.concurrency();
    if (pass <= concurrency && concurrency <= fail) run.push_back(concurrency);
  }
  std::sort(run.begin(), run.end());
  std::optional<LoadPoint> next;
  double widest = options.max_bracket_ratio;
  for (size_t i = 0; i + 1 < run.size(); ++i) {
    const double ratio = static_cast<double>(run[i + 1]) / run[i];
    if (run[i + 1] - run[i] < 2 || ratio <= widest) continue;
    const double middle = std::sqrt(static_cast<double>(run[i]) * run[i + 1]);
    next = at_concurrency(
        std::clamp(static_cast<int>(std::lround(middle)), run[i] + 1, run[i + 1] - 1));
    widest = ratio;
  }
  return next;
}

}  // namespace llmsweep

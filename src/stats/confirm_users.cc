#include "llmsweep/stats/confirm_users.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>

#include "llmsweep/model/target.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/users_at_target.h"
#include "stats/judged_levels.h"
#include "stats/target_value.h"

namespace llmsweep {
namespace {

constexpr int kMostSteps = 4;
constexpr double kStep = 1.05;

// Logs of the fresh runs' figures, in the order of the runs, up to one that has none.
std::vector<double> fresh_logs(const LevelStats& level, const Target& target) {
  std::vector<double> logs;
  for (const RunStats& run : level.runs) {
    if (!run.confirming) continue;
    const auto value = target_value(run, target);
    if (!value || !(*value > 0)) break;
    logs.push_back(std::log(*value));
  }
  return logs;
}

int fresh_runs(const LevelStats& level) {
  return static_cast<int>(std::count_if(level.runs.begin(), level.runs.end(),
                                        [](const RunStats& run) { return run.confirming; }));
}

struct Spread {
  double variance = 0;
  double degrees = 0;
};

// Of all levels' first `runs` fresh runs.
Spread pooled_spread(std::span<const std::vector<double>> logs, size_t runs) {
  Spread spread;
  double squares = 0;
  for (const std::vector<double>& level : logs) {
    const Moments moments = moments_of(std::span(level).first(std::min(runs, level.size())));
    if (moments.count < 2) continue;
    const double degrees = static_cast<double>(moments.count - 1);
    squares += moments.variance * degrees;
    spread.degrees += degrees;
  }
  if (spread.degrees > 0) spread.variance = squares / spread.degrees;
  return spread;
}

// The levels that count, their verdicts, and the ends of the bracket that is told so far.
class Ends {
 public:
  Ends(std::span<const LevelStats> levels, const Target& target)
      : counted_(judged_levels(levels, target)), states_(confirmed_levels(counted_, target)) {
    for (const LevelStats& level : levels) {
      if (level.point.concurrency() > 0) tried_[level.point.concurrency()] = true;
    }
  }

  // The step that an end at `from` wants, `down` or up; nothing where it is confirmed.
  struct Wanted {
    bool confirmed = false;
    bool impossible = false;
    RefineStep step;
    int runs = 0;  // that it has
  };
  Wanted end_at(int from, bool down) const {
    int at = from;
    for (int steps = 0; steps <= kMostSteps; ++steps) {
      const size_t index = index_of(at);
      if (index == counted_.size()) return {.impossible = true};
      const Confirmed state = states_[index];
      if (state == (down ? Confirmed::kPasses : Confirmed::kMisses)) return {.confirmed = true};
      const int runs = fresh_runs(*counted_[index]);
      if (runs < kConfirmLooks.back()) return {.step = {at_concurrency(at), true}, .runs = runs};
      const int out = further(at, down);
      if (out < 1) return {.impossible = true};
      if (index_of(out) == counted_.size()) {
        if (tried_.count(out) > 0) return {.impossible = true};  // it is not valid
        return {.step = {at_concurrency(out), false}};
      }
      at = out;
    }
    return {.impossible = true};
  }

 private:
  size_t index_of(int concurrency) const {
    for (size_t i = 0; i < counted_.size(); ++i) {
      if (counted_[i]->point.concurrency() == concurrency) return i;
    }
    return counted_.size();
  }

  // A level that is there within the step, else the step.
  int further(int at, bool down) const {
    const double exact = down ? at / kStep : at * kStep;
    const int step = down ? std::min(at - 1, static_cast<int>(std::floor(exact)))
                          : std::max(at + 1, static_cast<int>(std::ceil(exact)));
    for (const LevelStats* level : counted_) {
      const int there = level->point.concurrency();
      if (down ? step <= there && there < at : at < there && there <= step) return there;
    }
    return step;
  }

  std::vector<const LevelStats*> counted_;
  std::vector<Confirmed> states_;
  std::map<int, bool> tried_;
};

}  // namespace

std::vector<Confirmed> confirmed_by(std::span<const std::vector<double>> logs, double limit_ms,
                                    double alpha) {
  const double limit = std::log(limit_ms);
  const double level_of_look = alpha / 2 / static_cast<double>(kConfirmLooks.size());
  std::vector<Confirmed> states(logs.size(), Confirmed::kOpen);
  for (size_t i = 0; i < logs.size(); ++i) {
    for (const int look : kConfirmLooks) {
      const auto runs = static_cast<size_t>(look);
      if (logs[i].size() < runs) break;
      const Spread spread = pooled_spread(logs, runs);
      const double mean = moments_of(std::span(logs[i]).first(runs)).mean;
      const double half = student_quantile(1 - level_of_look, spread.degrees) *
                          std::sqrt(spread.variance / static_cast<double>(runs));
      if (mean + half <= limit) states[i] = Confirmed::kPasses;
      if (mean - half > limit) states[i] = Confirmed::kMisses;
      if (states[i] != Confirmed::kOpen) break;
    }
  }
  return states;
}

std::vector<Confirmed> confirmed_levels(std::span<const LevelStats* const> levels,
                                        const Target& target, double alpha) {
  std::vector<std::vector<double>> logs;
  for (const LevelStats* level : levels) logs.push_back(fresh_logs(*level, target));
  return confirmed_by(logs, limit_of(target), alpha);
}

std::optional<RefineStep> next_refine_step(std::span<const LevelStats> levels, const Target& target,
                                           const RefineOptions& options) {
  const UsersAtTarget users = users_at_target(levels, target, 0);
  if (users.confirmed || !users.c_pass || !users.c_fail) return std::nullopt;
  if (const auto next = next_level(levels, target, options)) return RefineStep{*next, false};
  const Ends ends(levels, target);
  const Ends::Wanted low = ends.end_at(*users.c_pass, true);
  const Ends::Wanted high = ends.end_at(*users.c_fail, false);
  if (low.impossible || high.impossible || (low.confirmed && high.confirmed)) return std::nullopt;
  if (low.confirmed) return high.step;
  if (high.confirmed) return low.step;
  // A level of the search first; else in turns, so that a drift meets both.
  if (!low.step.confirming) return low.step;
  if (!high.step.confirming) return high.step;
  return low.runs <= high.runs ? low.step : high.step;
}

}  // namespace llmsweep

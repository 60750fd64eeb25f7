#include "llmsweep/stats/users_at_target.h"

#include <algorithm>
#include <map>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/confirm_users.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/isotonic.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/refine.h"
#include "llmsweep/stats/validity.h"
#include "stats/judged_levels.h"

namespace llmsweep {
namespace {

struct Point {
  double concurrency;
  double value_ms;
  double weight;
};
using Curve = std::vector<Point>;

Point point_of(const LevelStats& level, double value_ms, const RunStats& counted) {
  return {level.point.value, value_ms,
          static_cast<double>(std::max<int64_t>(1, counted.requests.completed.value_or(1)))};
}

// Isotonic regression up to the first failing point, then the line from the last passing one to it.
// Nothing where no point passes or none fails.
std::optional<double> crossing(const Curve& curve, double max_ms) {
  std::vector<double> values;
  std::vector<double> weights;
  for (const Point& point : curve) {
    values.push_back(point.value_ms);
    weights.push_back(point.weight);
    if (point.value_ms > max_ms) break;
  }
  const size_t fail = values.size() - 1;
  if (values.size() < 2 || values[fail] <= max_ms) return std::nullopt;
  const std::vector<double> fitted = isotonic_increasing(values, weights);
  const double share = (max_ms - fitted[fail - 1]) / (fitted[fail] - fitted[fail - 1]);
  const double pass = curve[fail - 1].concurrency;
  return pass + share * (curve[fail].concurrency - pass);
}

std::optional<Interval> between_repeats(const std::vector<const LevelStats*>& levels,
                                        const Target& target) {
  std::map<int, Curve> curves;  // by repeat
  for (const LevelStats* level : levels) {
    for (const RunStats& run : level->runs) {
      const auto value = value_of(run, measure_of(target));
      if (value) curves[run.repeat].push_back(point_of(*level, *value, run));
    }
  }
  std::vector<double> crossings;
  for (const auto& [repeat, curve] : curves) {
    const auto users = crossing(curve, to_ms(target.max));
    if (!users) return std::nullopt;
    crossings.push_back(*users);
  }
  return log_student_interval(crossings);
}

struct Bracket {
  std::optional<size_t> pass, fail;  // of the levels that count
  bool confirmed = false;
};

// What fresh runs say of a level stands before its figure. Where they confirm a level that passes
// below one that misses, those are the bracket, and what is open between them is.
Bracket bracket_of(const std::vector<const LevelStats*>& levels, const Target& target) {
  const std::vector<Confirmed> states = confirmed_levels(levels, target);
  Bracket bracket;
  for (size_t i = 0; i < levels.size() && !bracket.fail; ++i) {
    if (states[i] == Confirmed::kMisses) bracket.fail = i;
    if (states[i] == Confirmed::kPasses) bracket.pass = i;
  }
  bracket.confirmed = bracket.pass && bracket.fail;
  if (bracket.confirmed) return bracket;
  bracket = {};
  for (size_t i = 0; i < levels.size() && !bracket.fail; ++i) {
    const bool open = states[i] == Confirmed::kOpen;
    const bool passes = open ? *meets(*levels[i], target) : states[i] == Confirmed::kPasses;
    (passes ? bracket.pass : bracket.fail) = i;
  }
  return bracket;
}

}  // namespace

std::optional<bool> meets(const LevelStats& level, const Target& target) {
  const double max_ms = to_ms(target.max);
  const LevelFigure figure = figure_of(level, measure_of(target));
  if (!figure.lacking.empty()) return std::nullopt;
  if (figure.value) return *figure.value <= max_ms;
  if (figure.at_most && *figure.at_most <= max_ms) return true;
  return std::nullopt;
}

std::vector<const LevelStats*> judged_levels(std::span<const LevelStats> levels,
                                             const Target& target) {
  std::vector<const LevelStats*> result;
  for (const LevelStats& level : levels) {
    const bool known = level.point.concurrency() > 0 && meets(level, target);
    if (known && can_be_judged(level, measure_of(target))) result.push_back(&level);
  }
  std::sort(result.begin(), result.end(),
            [](const LevelStats* a, const LevelStats* b) { return a->point < b->point; });
  return result;
}

UsersAtTarget users_at_target(std::span<const LevelStats> levels, const Target& target, int gpus) {
  UsersAtTarget result{.target = target, .kind = UsersKind::kNoValidLevel};
  const auto counted = judged_levels(levels, target);
  if (counted.empty()) return result;
  const Bracket bracket = bracket_of(counted, target);
  const auto concurrency_at = [&counted](size_t i) { return counted[i]->point.concurrency(); };
  if (bracket.fail) result.c_fail = concurrency_at(*bracket.fail);
  if (bracket.pass) result.c_pass = concurrency_at(*bracket.pass);
  result.confirmed = bracket.confirmed;
  if (bracket.confirmed) result.confirmed_error = kConfirmError;
  result.users = result.c_pass.value_or(0);
  if (gpus > 0) result.users_per_gpu = static_cast<double>(result.users) / gpus;
  if (!result.c_pass) {
    result.kind = UsersKind::kBelowSweep;
  } else if (!result.c_fail) {
    result.kind = UsersKind::kBeyondSweep;
  } else {
    result.kind = UsersKind::kMeasured;
    if (!figure_of(*counted[*bracket.pass], measure_of(target)).value)
      return result;  // a bound: no curve to follow
    Curve curve;
    for (const LevelStats* level : counted) {
      const auto value = figure_of(*level, measure_of(target)).value;
      if (value) curve.push_back(point_of(*level, *value, level->pooled));
    }
    const auto users = crossing(curve, to_ms(target.max));
    if (!users || *users < *result.c_pass || *users > *result.c_fail) return result;
    result.c_interpolated = users;
    // The line between the levels is not the curve: over a wide bracket the interval misses it.
    const bool narrow = *result.c_fail <= *result.c_pass * RefineOptions{}.max_bracket_ratio;
    if (narrow) result.c_interpolated_ci95 = between_repeats(counted, target);
  }
  return result;
}

}  // namespace llmsweep

#include "llmsweep/stats/users_at_target.h"

#include <algorithm>
#include <map>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/isotonic.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {
namespace {

struct Point {
  double concurrency;
  double value_ms;
  double weight;
};
using Curve = std::vector<Point>;

// Nothing where the level does not say, or a run of it. A published bound can only pass.
std::optional<bool> meets(const LevelStats& level, const Target& target) {
  const double max_ms = to_ms(target.max);
  const LevelFigure figure = figure_of(level, measure_of(target));
  if (!figure.lacking.empty()) return std::nullopt;
  if (figure.value) return *figure.value <= max_ms;
  if (figure.at_most && *figure.at_most <= max_ms) return true;
  return std::nullopt;
}

// The levels that count, by concurrency.
std::vector<const LevelStats*> judged(std::span<const LevelStats> levels, const Target& target) {
  std::vector<const LevelStats*> result;
  for (const LevelStats& level : levels) {
    const bool known = level.point.concurrency() > 0 && meets(level, target);
    const bool sound = is_sound(level.pooled, measure_of(target));
    if (level.pooled.valid && sound && known) result.push_back(&level);
  }
  std::sort(result.begin(), result.end(),
            [](const LevelStats* a, const LevelStats* b) { return a->point < b->point; });
  return result;
}

Point point_of(const LevelStats& level, double value_ms, const RunStats& counted) {
  return {level.point.value, value_ms,
          static_cast<double>(std::max<int64_t>(1, counted.requests.completed))};
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

}  // namespace

UsersAtTarget users_at_target(std::span<const LevelStats> levels, const Target& target, int gpus) {
  UsersAtTarget result{.target = target, .kind = UsersKind::kNoValidLevel};
  const auto counted = judged(levels, target);
  if (counted.empty()) return result;
  const auto failing = std::find_if(counted.begin(), counted.end(), [&](const LevelStats* level) {
    return !*meets(*level, target);
  });
  if (failing != counted.end()) result.c_fail = (*failing)->point.concurrency();
  if (failing != counted.begin()) result.c_pass = (*(failing - 1))->point.concurrency();
  result.users = result.c_pass.value_or(0);
  if (gpus > 0) result.users_per_gpu = static_cast<double>(result.users) / gpus;
  if (!result.c_pass) {
    result.kind = UsersKind::kBelowSweep;
  } else if (!result.c_fail) {
    result.kind = UsersKind::kBeyondSweep;
  } else {
    result.kind = UsersKind::kMeasured;
    if (!figure_of(**(failing - 1), measure_of(target)).value)
      return result;  // a bound: no curve to follow
    Curve curve;
    for (const LevelStats* level : counted) {
      const auto value = figure_of(*level, measure_of(target)).value;
      if (value) curve.push_back(point_of(*level, *value, level->pooled));
    }
    result.c_interpolated = crossing(curve, to_ms(target.max));
    result.c_interpolated_ci95 = between_repeats(counted, target);
  }
  return result;
}

}  // namespace llmsweep

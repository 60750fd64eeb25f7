#include "llmsweep/stats/users_at_target.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/confirm_users.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/isotonic.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/refine.h"
#include "stats/judged_levels.h"
#include "stats/target_value.h"

namespace llmsweep {
namespace {

struct Point {
  double load;
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
  const double pass = curve[fail - 1].load;
  return pass + share * (curve[fail].load - pass);
}

std::optional<Interval> between_repeats(const std::vector<const LevelStats*>& levels,
                                        const Target& target) {
  std::map<int, Curve> curves;  // by repeat
  for (const LevelStats* level : levels) {
    for (const RunStats& run : level->runs) {
      const auto value = target_value(run, target);
      if (value) curves[run.repeat].push_back(point_of(*level, *value, run));
    }
  }
  std::vector<double> crossings;
  for (const auto& [repeat, curve] : curves) {
    const auto users = crossing(curve, limit_of(target));
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
Bracket bracket_of(const std::vector<const LevelStats*>& levels, const Target& target,
                   double alpha) {
  const std::vector<Confirmed> states = confirmed_levels(levels, target, alpha);
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

// The highest load that meets the target, of one kind.
struct LoadAtTarget {
  UsersKind kind = UsersKind::kNoValidLevel;
  std::optional<double> pass, fail;
  std::optional<double> interpolated;
  std::optional<Interval> interpolated_ci95;
  bool confirmed = false;
};

void interpolate(LoadAtTarget& result, const std::vector<const LevelStats*>& counted,
                 const Target& target) {
  Curve curve;
  for (const LevelStats* level : counted) {
    const auto value = target_value(*level, target);
    if (value) curve.push_back(point_of(*level, *value, level->pooled));
  }
  const auto load = crossing(curve, limit_of(target));
  if (!load || *load < *result.pass || *load > *result.fail) return;
  result.interpolated = load;
  // The line between the levels is not the curve: over a wide bracket the interval misses it.
  const bool narrow = *result.fail <= *result.pass * RefineOptions{}.max_bracket_ratio;
  if (narrow) result.interpolated_ci95 = between_repeats(counted, target);
}

LoadAtTarget load_at_target(std::span<const LevelStats> levels, const Target& target, LoadKind kind,
                            double alpha) {
  LoadAtTarget result;
  const auto counted = judged_levels(levels, target, kind);
  if (counted.empty()) return result;
  const Bracket bracket = bracket_of(counted, target, alpha);
  if (bracket.fail) result.fail = counted[*bracket.fail]->point.value;
  if (bracket.pass) result.pass = counted[*bracket.pass]->point.value;
  result.confirmed = bracket.confirmed;
  result.kind = !result.pass   ? UsersKind::kBelowSweep
                : !result.fail ? UsersKind::kBeyondSweep
                               : UsersKind::kMeasured;
  if (result.kind != UsersKind::kMeasured) return result;
  const bool bound = !target_value(*counted[*bracket.pass], target);
  if (!bound) interpolate(result, counted, target);  // else no curve to follow
  return result;
}

std::optional<int> whole(const std::optional<double>& load) {
  return load ? std::optional(static_cast<int>(*load)) : std::nullopt;
}

}  // namespace

std::optional<bool> meets(const LevelStats& level, const Target& target) {
  if (level.pooled.is_overloaded()) return false;
  if (!target.all.empty()) {  // one that is missed decides, whatever is not known of the others
    bool all = true;
    for (const Target& part : target.all) {
      const std::optional<bool> one = meets(level, part);
      if (one && !*one) return false;
      all = all && one.has_value();
    }
    return all ? std::optional(true) : std::nullopt;
  }
  const double max_ms = to_ms(target.max);
  const LevelFigure figure = figure_of(level, measure_of(target));
  if (!figure.lacking.empty()) return std::nullopt;
  const bool may_pass = level.pooled.is_settled();
  if (figure.value && (may_pass || *figure.value > max_ms)) return *figure.value <= max_ms;
  if (figure.at_most && *figure.at_most <= max_ms) return true;
  return std::nullopt;
}

std::vector<const LevelStats*> judged_levels(std::span<const LevelStats> levels,
                                             const Target& target, LoadKind kind) {
  std::vector<const LevelStats*> result;
  for (const LevelStats& level : levels) {
    if (level.point.kind != kind || !level.point.known() || !meets(level, target)) continue;
    if (can_be_judged_at(level, target)) result.push_back(&level);
  }
  std::sort(result.begin(), result.end(),
            [](const LevelStats* a, const LevelStats* b) { return a->point < b->point; });
  return result;
}

LoadPoint at_users(std::span<const LevelStats> levels, int users) {
  const bool of_users = std::any_of(levels.begin(), levels.end(), [](const LevelStats& level) {
    return level.point.kind == LoadKind::kUsers;
  });
  return of_users ? with_users(users) : at_concurrency(users);
}

UsersAtTarget users_at_target(std::span<const LevelStats> levels, const Target& target, int gpus,
                              double alpha) {
  const LoadAtTarget load = load_at_target(levels, target, at_users(levels, 1).kind, alpha);
  UsersAtTarget result{.target = target,
                       .kind = load.kind,
                       .users = whole(load.pass).value_or(0),
                       .c_pass = whole(load.pass),
                       .c_fail = whole(load.fail),
                       .c_interpolated = load.interpolated,
                       .c_interpolated_ci95 = load.interpolated_ci95,
                       .confirmed = load.confirmed};
  if (load.confirmed) result.confirmed_error = alpha;
  if (gpus > 0) result.users_per_gpu = static_cast<double>(result.users) / gpus;
  return result;
}

RateAtTarget rate_at_target(std::span<const LevelStats> levels, const Target& target, int gpus,
                            double alpha) {
  const LoadAtTarget load = load_at_target(levels, target, LoadKind::kRate, alpha);
  RateAtTarget result{.target = target,
                      .kind = load.kind,
                      .rate_rps = load.pass.value_or(0),
                      .r_pass = load.pass,
                      .r_fail = load.fail,
                      .r_interpolated = load.interpolated,
                      .r_interpolated_ci95 = load.interpolated_ci95,
                      .confirmed = load.confirmed};
  if (load.confirmed) result.confirmed_error = alpha;
  if (gpus > 0) result.rate_per_gpu_rps = result.rate_rps / gpus;
  return result;
}

std::optional<int64_t> gpus_for_rate(const RateAtTarget& rate, double rate_rps) {
  if (rate.rate_per_gpu_rps <= 0) return std::nullopt;
  return std::llround(std::ceil(rate_rps / rate.rate_per_gpu_rps - 1e-9));
}

}  // namespace llmsweep

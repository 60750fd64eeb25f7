#include "stats/target_value.h"

#include <algorithm>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

template <class Figure>
std::optional<double> largest(const Target& target, const Figure& figure) {
  if (target.all.empty()) return figure(target);
  double share = 0;
  for (const Target& part : target.all) {
    const std::optional<double> value = figure(part);
    if (!value) return std::nullopt;
    share = std::max(share, *value / limit_of(part));
  }
  return share;
}

}  // namespace

std::optional<double> target_value(const RunStats& run, const Target& target) {
  return largest(target, [&](const Target& part) { return value_of(run, measure_of(part)); });
}

std::optional<double> target_value(const LevelStats& level, const Target& target) {
  return largest(target,
                 [&](const Target& part) { return figure_of(level, measure_of(part)).value; });
}

bool is_sound_at(const RunStats& run, const Target& target) {
  const std::vector<Target> parts = parts_of(target);
  return std::all_of(parts.begin(), parts.end(),
                     [&](const Target& part) { return is_sound(run, measure_of(part)); });
}

bool can_be_judged_at(const LevelStats& level, const Target& target) {
  const std::vector<Target> parts = parts_of(target);
  return std::all_of(parts.begin(), parts.end(),
                     [&](const Target& part) { return can_be_judged(level, measure_of(part)); });
}

}  // namespace llmsweep

#include "llmsweep/stats/level_figure.h"

#include <algorithm>

namespace llmsweep {
namespace {

void fill_interval(LevelFigure& figure, const LevelStats& level, const Measure& measure) {
  const Quantity& quantity = *measure.quantity;
  if (quantity.distribution != nullptr && measure.statistic != Statistic::kP50) return;
  if (quantity.between_runs != nullptr) figure.ci95 = level.*quantity.between_runs;
  figure.between_runs = figure.ci95.has_value();
  if (!figure.ci95 && quantity.distribution != nullptr) {
    figure.ci95 = (level.pooled.*quantity.distribution).p50_ci95;
  }
}

}  // namespace

LevelFigure figure_of(const LevelStats& level, const Measure& measure, const Reading& reading) {
  const Quantity& quantity = *measure.quantity;
  LevelFigure figure{.pooled = value_of(level.pooled, measure, reading)};
  for (const RunStats& run : level.runs) {
    if (const auto value = value_of(run, measure, reading)) figure.runs.push_back(*value);
  }
  figure.value = figure.pooled;
  if (quantity.distribution != nullptr && !figure.value && measure.statistic == Statistic::kP50) {
    figure.at_most = (level.pooled.*quantity.distribution).p50_at_most;
  }
  fill_interval(figure, level, measure);
  figure.with_drain = quantity.of == throughput_of && figure.value && reading.with_drain;
  return figure;
}

LevelFigure figure_of(const LevelStats& level, const Measure& measure) {
  return figure_of(level, measure, {.with_drain = has_drain(level.pooled)});
}

const LevelStats* find_level(const SweepResult& result, LoadPoint point) {
  const auto found = std::find_if(result.levels.begin(), result.levels.end(),
                                  [&](const LevelStats& level) { return level.point == point; });
  return found == result.levels.end() ? nullptr : &*found;
}

int repeats_of(const LevelStats& level) {
  return std::max(1, static_cast<int>(level.runs.size()));
}

}  // namespace llmsweep

#include "analysis/level_figures.h"

#include <algorithm>

namespace llmsweep {

std::optional<double> output_throughput(const RunStats& run) {
  if (run.output_throughput_tps <= 0) return std::nullopt;
  return run.output_throughput_tps;
}

std::optional<double> steady_throughput(const RunStats& run) {
  return run.steady_output_throughput_tps;
}

LevelFigure figure_of(const LevelStats& level, const FigureOf& figure) {
  LevelFigure result{.pooled = figure(level.pooled)};
  for (const RunStats& run : level.runs) {
    if (const auto value = figure(run)) result.runs.push_back(*value);
  }
  return result;
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

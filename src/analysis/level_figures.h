// One figure of a level: what its runs say, and what the pooled level says.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

// Absent: the run has no such figure.
using FigureOf = std::function<std::optional<double>(const RunStats&)>;

std::optional<double> output_throughput(const RunStats& run);  // absent where 0
std::optional<double> steady_throughput(const RunStats& run);

struct LevelFigure {
  std::vector<double> runs;  // of the runs that have it; empty: only a pooled value, or none
  std::optional<double> pooled;
};
LevelFigure figure_of(const LevelStats& level, const FigureOf& figure);

// Null: no such level.
const LevelStats* find_level(const SweepResult& result, LoadPoint point);

// A result stored without runs was measured once.
int repeats_of(const LevelStats& level);

}  // namespace llmsweep

// One quantity of a level, as every output says it: tables, page, figures, comparison, gate, and
// users at a target.
//
// A run is the unit, not a request: where two runs or more have the quantity, the level's figure is
// the mean of the runs' figures (Pooling says which), with the interval between runs. A median of
// the pooled requests, which result.json holds beside the runs', is another number: the figure of a
// level of one run only.
#pragma once

#include <optional>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

struct LevelFigure {
  std::vector<double> runs;       // of the runs that have it
  std::vector<int> lacking;       // the repeats, from 0, that have not what the level has
  std::optional<double> pooled;   // of the pooled level, as result.json has it
  std::optional<double> value;    // the level's figure; absent: it has none
  std::optional<double> at_most;  // published data: only a bound of the median is known
  std::optional<Interval> ci95;
  bool between_runs = false;  // else ci95 is within the run
  bool with_drain = false;    // a throughput that has the drain in it
  bool sound = true;          // not in the level's validity
};

LevelFigure figure_of(const LevelStats& level, const Measure& measure, const Reading& reading);
// By itself: its throughput steady where it can be.
LevelFigure figure_of(const LevelStats& level, const Measure& measure);

// Null: no such level.
const LevelStats* find_level(const SweepResult& result, LoadPoint point);

// A result stored without runs was measured once.
int repeats_of(const LevelStats& level);

}  // namespace llmsweep

// How much a system drifted while it was measured: what two sweeps, one after the other, would have
// between them though nothing was changed.
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/level.h"
#include "llmsweep/model/quantity.h"

namespace llmsweep {

struct Drift {
  double ratio = 1;  // of the last run's start to the first's: 1.02 is 2 % more
  Interval ci95;     // Student's t; runs that drift by themselves make it too narrow
  double seconds = 0;
  double half_width = 0;  // of the levels' intervals between runs, their median, in logs

  // The drift is shown, and more than the repeats let expect.
  bool exceeds_the_interval() const;
};

// Least squares of the logs of the runs' figures on the instants at which the runs began, each
// level with a mean of its own. Absent: fewer than two degrees of freedom, no instants, or a run of
// a level has no such figure. Only valid levels count. `measure` is averaged geometrically.
std::optional<Drift> drift_of(std::span<const LevelStats> levels, const Measure& measure);

}  // namespace llmsweep

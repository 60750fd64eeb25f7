// An axis of a figure: a range, its ticks, and where a value falls. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/report/figure.h"

namespace llmsweep::report {

struct Tick {
  double value = 0;
  std::string text;  // empty: a minor one, drawn without a number
};

struct Axis {
  AxisScale scale = AxisScale::kLinear;
  double low = 0;
  double high = 1;
  std::vector<Tick> ticks;

  double share(double value) const;  // 0 at `low`, 1 at `high`
};

// Holds every value with some air. Linear axes begin at 0 unless the values lie close together.
// Logarithmic ones leave out what is not positive. Nothing to hold: [0, 1].
Axis axis_over(const std::vector<double>& values, AxisScale scale);
// A logarithmic axis over `loads` with a tick at each that has room.
Axis load_axis(const std::vector<double>& loads, AxisScale scale);
// Logarithmic where the positive values span more than a factor of ten.
AxisScale suitable_scale(const std::vector<double>& values);

}  // namespace llmsweep::report

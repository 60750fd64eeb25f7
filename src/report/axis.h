// An axis of a figure: a range, its ticks, and where a value falls. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/report/figure.h"

namespace llmsweep::report {

struct Tick {
  double value = 0;
  std::string text;
  double from = 0;    // its text has room where the axis is at least this long, in user units
  bool line = false;  // its line is drawn without its text too
};

struct Axis {
  AxisScale scale = AxisScale::kLinear;
  double low = 0;
  double high = 1;
  std::vector<Tick> ticks;  // ascending; the finer ones for an axis that is drawn longer

  double share(double value) const;  // 0 at `low`, 1 at `high`
  bool shows(double value) const;    // a value that is on it; none of a logarithm's is 0 or less
};

struct AxisOptions {
  AxisScale scale = AxisScale::kLinear;
  bool vertical = false;  // texts stand above each other
  bool whole = false;     // ticks at whole numbers only
};

// Holds every value with some air. Linear axes begin at 0 unless the values lie close together.
// Logarithmic ones leave out what is not positive. Nothing to hold: [0, 1].
Axis axis_over(const std::vector<double>& values, const AxisOptions& options);
// A logarithmic axis over `loads` with a tick at each that has room.
Axis load_axis(const std::vector<double>& loads, const AxisOptions& options);
// Logarithmic where the positive values span more than a factor of ten.
AxisScale suitable_scale(const std::vector<double>& values);

}  // namespace llmsweep::report

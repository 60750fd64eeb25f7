#include "report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "llmsweep/base/text.h"

namespace llmsweep::report {
namespace {

constexpr int kTicks = 6;

std::string tick_text(double value, double step) {
  const int digits = step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  return format_number(value, digits);
}

// 1, 2 or 5 times a power of ten, at least `span` / kTicks.
double nice_step(double span) {
  const double raw = span / kTicks;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

Axis linear(double low, double high) {
  Axis axis;
  if (low > 0 && low > 0.6 * high) {
    const double air = std::max(high - low, 0.1 * high) * 0.15;
    low -= air;
    high += air;
  } else {
    low = std::min(0.0, low);
    high += (high - low) * 0.08;
  }
  if (high <= low) high = low + 1;
  const double step = nice_step(high - low);
  axis.low = std::floor(low / step + 1e-9) * step;
  axis.high = std::ceil(high / step - 1e-9) * step;
  const int count = static_cast<int>(std::lround((axis.high - axis.low) / step));
  for (int i = 0; i <= count; ++i) {
    const double value = axis.low + step * i;
    axis.ticks.push_back({value, tick_text(value, step)});
  }
  return axis;
}

Axis logarithmic(double low, double high) {
  Axis axis{.scale = AxisScale::kLog, .low = low / 1.25, .high = high * 1.25};
  const double decades = std::log10(axis.high / axis.low);
  for (double power = std::pow(10.0, std::floor(std::log10(axis.low))); power <= axis.high;
       power *= 10) {
    for (int digit = 1; digit <= 9; ++digit) {
      const double value = power * digit;
      if (value < axis.low * (1 - 1e-9) || value > axis.high * (1 + 1e-9)) continue;
      const bool labelled = digit == 1 || (decades < 3 && (digit == 2 || digit == 5)) ||
                            (decades < 1.2 && (digit == 3 || digit == 7));
      axis.ticks.push_back({value, labelled ? tick_text(value, power) : ""});
    }
  }
  return axis;
}

}  // namespace

double Axis::share(double value) const {
  if (scale == AxisScale::kLog) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

Axis axis_over(const std::vector<double>& values, AxisScale scale) {
  std::vector<double> usable;
  for (const double value : values) {
    if (std::isfinite(value) && (scale == AxisScale::kLinear || value > 0)) usable.push_back(value);
  }
  if (usable.empty()) return linear(0, 1);
  const auto [low, high] = std::minmax_element(usable.begin(), usable.end());
  return scale == AxisScale::kLog ? logarithmic(*low, *high) : linear(*low, *high);
}

Axis load_axis(const std::vector<double>& loads, AxisScale scale) {
  if (scale == AxisScale::kLinear || loads.empty()) return axis_over(loads, scale);
  Axis axis = logarithmic(*std::min_element(loads.begin(), loads.end()),
                          *std::max_element(loads.begin(), loads.end()));
  axis.ticks.clear();
  double last = -1;
  for (const double value : std::set<double>(loads.begin(), loads.end())) {
    const double at = axis.share(value);
    const bool room = last < 0 || at - last > 0.045;
    axis.ticks.push_back({value, room ? format_number(value) : ""});
    if (room) last = at;
  }
  return axis;
}

AxisScale suitable_scale(const std::vector<double>& values) {
  double low = 0;
  double high = 0;
  for (const double value : values) {
    if (!(value > 0) || !std::isfinite(value)) continue;
    low = low == 0 ? value : std::min(low, value);
    high = std::max(high, value);
  }
  return low > 0 && high / low > 10 ? AxisScale::kLog : AxisScale::kLinear;
}

}  // namespace llmsweep::report

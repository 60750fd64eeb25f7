#include "report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>

#include "llmsweep/base/text.h"
#include "report/label_layout.h"

namespace llmsweep::report {
namespace {

constexpr int kTicks = 6;
constexpr double kLongest = 10'000;  // of an axis that is magnified

// As many decimals as every multiple of `step` needs.
std::string tick_text(double value, double step) {
  int digits = 0;
  for (double left = step; digits < 12 && std::abs(left - std::round(left)) > 1e-6 * left;) {
    left = step * std::pow(10.0, ++digits);
  }
  return format_number(value, digits);
}

// 1, 2, 2.5 or 5 times a power of ten, at least `span` / kTicks; and what divides it evenly.
struct Step {
  double wide = 1;
  double fine = 1;
};
Step nice_step(double span) {
  const double raw = span / kTicks;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  constexpr std::array<Step, 5> kSteps = {
      {{1.0, 0.2}, {2.0, 0.5}, {2.5, 0.5}, {5.0, 1.0}, {10.0, 2.0}}};
  for (const Step& step : kSteps) {
    if (step.wide * power >= raw * (1 - 1e-9)) return {step.wide * power, step.fine * power};
  }
  return {10 * power, 2 * power};
}

// Ticks that matter alike, and the space that their texts keep from those that matter more.
struct Tier {
  std::vector<Tick> ticks;
  double gap = 10;
  bool together = false;  // all of them have room, or none is written
};

// Sets from which length on each has room beside all that come before it.
void add_tiers(Axis& axis, const std::vector<Tier>& tiers, bool vertical) {
  constexpr double kSize = 12;
  for (const Tier& tier : tiers) {
    const size_t before = axis.ticks.size();
    for (Tick tick : tier.ticks) {
      const double at = axis.share(tick.value);
      for (const Tick& other : axis.ticks) {
        const double need =
            tier.gap +
            (vertical ? kSize : (text_width(tick.text, kSize) + text_width(other.text, kSize)) / 2);
        tick.from =
            std::max(tick.from, need / std::max(std::abs(at - axis.share(other.value)), 1e-9));
      }
      if (tick.from <= kLongest || tick.line) axis.ticks.push_back(std::move(tick));
    }
    if (!tier.together) continue;
    double longest = 0;
    for (size_t i = before; i < axis.ticks.size(); ++i) {
      longest = std::max(longest, axis.ticks[i].from);
    }
    for (size_t i = before; i < axis.ticks.size(); ++i) axis.ticks[i].from = longest;
  }
  std::stable_sort(axis.ticks.begin(), axis.ticks.end(),
                   [](const Tick& a, const Tick& b) { return a.value < b.value; });
}

// The multiples of `step` on the axis that are none of `wider`, where that is not 0; written like
// those of `finest`.
std::vector<Tick> multiples(const Axis& axis, double step, double wider, double finest) {
  std::vector<Tick> ticks;
  const auto first = static_cast<int64_t>(std::ceil(axis.low / step - 1e-6));
  const auto last = static_cast<int64_t>(std::floor(axis.high / step + 1e-6));
  for (int64_t i = first; i <= last; ++i) {
    const double value = step * static_cast<double>(i);
    const double of_wider = wider > 0 ? value / wider : 0.5;
    if (std::abs(of_wider - std::round(of_wider)) < 1e-6) continue;
    ticks.push_back({.value = value, .text = tick_text(value, finest)});
  }
  return ticks;
}

Axis linear(double low, double high, const AxisOptions& options) {
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
  Step step = nice_step(high - low);
  if (options.whole) step = {std::max(step.wide, 1.0), std::max(step.fine, 1.0)};
  axis.low = std::floor(low / step.wide + 1e-9) * step.wide;
  axis.high = std::ceil(high / step.wide - 1e-9) * step.wide;
  // Every other one first: they stay where only half of the texts have room.
  std::vector<Tier> tiers = {
      {.ticks = multiples(axis, 2 * step.wide, 0, step.wide), .together = true},
      {.ticks = multiples(axis, step.wide, 2 * step.wide, step.wide), .together = true}};
  if (step.fine < step.wide) {
    tiers.push_back(
        {.ticks = multiples(axis, step.fine, step.wide, step.fine), .gap = 26, .together = true});
  }
  add_tiers(axis, tiers, options.vertical);
  return axis;
}

Axis logarithmic(double low, double high, bool vertical) {
  Axis axis{.scale = AxisScale::kLog, .low = low / 1.25, .high = high * 1.25};
  // By digits in tenths: the powers of ten, then what divides a decade best.
  struct Digits {
    std::vector<int> tenths;
    double gap;
  };
  const std::array<Digits, 5> digits = {{{{10}, 10},
                                         {{20, 50}, 16},
                                         {{30, 70}, 26},
                                         {{40, 60, 80, 90}, 34},
                                         {{15, 25, 35, 45, 55, 65, 75, 85, 95}, 34}}};
  std::vector<Tier> tiers;
  for (const Digits& tier : digits) {
    tiers.push_back({.gap = tier.gap});
    for (double power = std::pow(10.0, std::floor(std::log10(axis.low))); power <= axis.high;
         power *= 10) {
      for (const int tenths : tier.tenths) {
        const double value = power * tenths / 10;
        if (value < axis.low * (1 - 1e-9) || value > axis.high * (1 + 1e-9)) continue;
        const bool whole = tenths % 10 == 0;
        tiers.back().ticks.push_back(
            {.value = value, .text = tick_text(value, whole ? power : power / 10), .line = whole});
      }
    }
  }
  add_tiers(axis, tiers, vertical);
  return axis;
}

}  // namespace

double Axis::share(double value) const {
  if (scale == AxisScale::kLog) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

bool Axis::shows(double value) const {
  return value >= low && value <= high;
}

Axis axis_over(const std::vector<double>& values, const AxisOptions& options) {
  std::vector<double> usable;
  for (const double value : values) {
    const bool fits = options.scale == AxisScale::kLinear || value > 0;
    if (std::isfinite(value) && fits) usable.push_back(value);
  }
  if (usable.empty()) return linear(0, 1, options);
  const auto [low, high] = std::minmax_element(usable.begin(), usable.end());
  return options.scale == AxisScale::kLog ? logarithmic(*low, *high, options.vertical)
                                          : linear(*low, *high, options);
}

Axis load_axis(const std::vector<double>& loads, const AxisOptions& options) {
  if (options.scale == AxisScale::kLinear || loads.empty()) return axis_over(loads, options);
  Axis axis = logarithmic(*std::min_element(loads.begin(), loads.end()),
                          *std::max_element(loads.begin(), loads.end()), options.vertical);
  axis.ticks.clear();
  Tier tier;
  for (const double value : std::set<double>(loads.begin(), loads.end())) {
    tier.ticks.push_back({.value = value, .text = format_number(value), .line = true});
  }
  add_tiers(axis, {tier}, options.vertical);
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

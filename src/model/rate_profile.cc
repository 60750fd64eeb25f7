#include "llmsweep/model/rate_profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

// From the first step's begin to `at`, which may lie before it: then below 0.
double arrivals_until(std::span<const RateStep> steps, double at_s) {
  if (at_s <= 0) return at_s * steps.front().from;
  double arrivals = 0;
  for (const RateStep& step : steps) {
    const double length_s = to_seconds(step.length);
    if (at_s <= length_s) return arrivals + arrivals_of(step, at_s);
    arrivals += arrivals_of(step);
    at_s -= length_s;
  }
  return arrivals + at_s * steps.back().to;
}

}  // namespace

double arrivals_of(const RateStep& step) {
  return (step.from + step.to) / 2 * to_seconds(step.length);
}

double arrivals_of(const RateStep& step, double seconds) {
  const double slope = (step.to - step.from) / to_seconds(step.length);
  return seconds * (step.from + slope * seconds / 2);
}

Duration length_of(std::span<const RateStep> steps) {
  Duration length{};
  for (const RateStep& step : steps) length += step.length;
  return length;
}

double arrivals_of(std::span<const RateStep> steps) {
  double arrivals = 0;
  for (const RateStep& step : steps) arrivals += arrivals_of(step);
  return arrivals;
}

double peak_rate(std::span<const RateStep> steps) {
  double peak = 0;
  for (const RateStep& step : steps) peak = std::max({peak, step.from, step.to});
  return peak;
}

double arrivals_between(std::span<const RateStep> steps, Duration from, Duration to) {
  if (steps.empty()) return 0;
  return arrivals_until(steps, to_seconds(to)) - arrivals_until(steps, to_seconds(from));
}

double mean_rate(std::span<const RateStep> steps) {
  const double seconds = to_seconds(length_of(steps));
  if (seconds <= 0) return 0;
  return *parse_double(fmt::format("{:.4g}", arrivals_of(steps) / seconds));
}

std::string step_text(const RateStep& step, bool unicode) {
  if (step.from == step.to) return fmt::format("{}", step.from);
  return fmt::format("{} {} {}", step.from, unicode ? "→" : "->", step.to);
}

}  // namespace llmsweep

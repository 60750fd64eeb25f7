// A request rate that changes with time: `load.profile`. Pure.
#pragma once

#include <span>
#include <string>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// The rate goes from `from` to `to`, linearly, in `length`. Requests a second; both may be 0.
struct RateStep {
  Duration length{};
  double from = 0;
  double to = 0;

  bool operator==(const RateStep&) const = default;
};

// Arrivals that a step's rate expects; of its first `seconds`.
double arrivals_of(const RateStep& step);
double arrivals_of(const RateStep& step, double seconds);

// Of steps one after the other. Without any: 0.
Duration length_of(std::span<const RateStep> steps);
double arrivals_of(std::span<const RateStep> steps);
double peak_rate(std::span<const RateStep> steps);
// Expected between two instants after the first step's begin. Before it and after the last one the
// rate is that of the edge.
double arrivals_between(std::span<const RateStep> steps, Duration from, Duration to);

// Over all steps, to four digits: the name of the level that they are.
double mean_rate(std::span<const RateStep> steps);

// Requests a second: "2", "2 → 8".
std::string step_text(const RateStep& step, bool unicode = true);

}  // namespace llmsweep

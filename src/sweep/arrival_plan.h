// What `check` says of an open loop's arrivals before anything is sent. Private to sweep/.
#pragma once

#include <cstdint>
#include <string>

#include "llmsweep/model/spec.h"

namespace llmsweep {

// Of each level how many arrivals its window has by the rate and as they are drawn, and how long a
// run takes at least; whether all runs together have fewer than a target's statistic needs; how
// many show that a server is overloaded. A line each; empty where no level is a rate or a profile.
std::string arrivals_text(const SweepSpec& spec);

// Arrivals in a window from which `load` (over 1, as a share of the capacity) shows as overload in
// four runs of five: ((2.33 + 0.84) · σ · load / (load − 1))², σ² = ca² + cs²
// (docs/statistics.md, the state of a rate).
int64_t arrivals_to_show(const SweepSpec& spec, double load);

}  // namespace llmsweep

// Sessions of measurement. Repeats inside one share the host, its boot and the hour, and do not
// show what these change: two sessions of one system differ by more than their runs say.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "llmsweep/model/result.h"
#include "llmsweep/stats/intervals.h"

namespace llmsweep {

// Why two results are of different sessions: "on another host", "after another boot", "after
// another start of the server", "24 h apart". Empty: they are of one. Results that do not say when
// they were measured are of different ones.
std::string session_gap(const SweepResult& a, const SweepResult& b);

// The standard deviation of the difference of two sessions' logs, each with a noise of `share`.
double noise_of_two(double share);

}  // namespace llmsweep

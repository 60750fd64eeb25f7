// What is known of a figure: a point and one-sided bounds, of 95 % or of what a look may spend.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "llmsweep/analysis/gate.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {

struct Bounds {
  double point = 0;
  Interval interval;
  int repeats = 1;
  double level = 0.05;  // of each bound
  std::string basis;
};

struct BoundsInput {
  const LevelStats& level;
  const GateRule& rule;
  Reading reading;
  double assumed_noise = 0.02;
  // Of the result that is decided on, whichever side this is; null: one look, at 5 %.
  const GateLooks* looks = nullptr;
  int runs_looked_at = 0;  // of that result's level
  // Its runs and the baseline's are pairs, in the same order: of `llmsweep versus`, or of rates
  // whose arrivals were the same.
  bool paired = false;
};

// Two runs or more: Student's t on the logs (shares: on the values). One: the within-run interval
// of a median, and Wilson's of a share, with the assumed run-to-run noise added in quadrature.
// Error rates: all requests together, both bounds at the point. Absent: the level has no such
// figure.
std::optional<Bounds> bounds_of(const BoundsInput& input);

// candidate ÷ baseline by Student's t on the pairs, by Welch where both have two runs or more, else
// by adding the two sides' half-widths in quadrature. For shares: candidate − baseline.
struct RatioBounds {
  Bounds bounds;
  double baseline = 0;
  double candidate = 0;
  double p_worse = 1;  // one-sided, of a system at the limit or better
};
// What two sessions of one system differ by beside their runs; 0: they are one.
struct SessionNoise {
  double share = 0;
  std::string why;  // they are two
};
// Of three or more baselines, each a session: Student's t on the logs of their figures (shares: on
// the values), the candidate being one session more. Fewer cannot measure the noise between
// sessions: the last stands for them, as above, and `between` for the noise. At least one baseline.
std::optional<RatioBounds> ratio_bounds_of(std::span<const BoundsInput> baselines,
                                           const BoundsInput& candidate,
                                           const SessionNoise& between, double limit);

// How many repeats would bring `bounds` clear of `limit` if its spread stays; absent: not within
// a hundred, or no spread is known.
std::optional<int> repeats_to_decide(const Bounds& bounds, double limit);

}  // namespace llmsweep

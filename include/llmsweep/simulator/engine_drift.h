// How the speed of a simulated engine changes while it runs: with the clock, in the same way for
// all simulators of a machine, and from one busy time to the next.
#pragma once

#include <cstdint>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// Of the time of a step, ÷ what it is without.
//   kRamp: rises by `share` over a period, and falls back over the next
//   kSine: swings by ± `share`, once in a period
//   kWalk: a walk around 1 with this standard deviation that has forgotten itself (to 1/e) after a
//          period: Ornstein and Uhlenbeck's process, drawn by `seed`
enum class DriftKind { kNone, kRamp, kSine, kWalk };
struct EngineDrift {
  DriftKind kind = DriftKind::kNone;
  double share = 0;
  Duration period = std::chrono::minutes(1);
  uint64_t seed = 1;
};

// A function of CLOCK_MONOTONIC alone. One thread an object.
class DriftClock {
 public:
  explicit DriftClock(const EngineDrift& drift) : drift_(drift) {}
  double factor(Instant at);  // above 0

 private:
  double walk(double periods);
  double walk_at(int64_t cell) const;

  EngineDrift drift_;
  int64_t cell_ = INT64_MIN;  // of the two values that are kept
  double from_ = 0;
  double to_ = 0;
};

}  // namespace llmsweep

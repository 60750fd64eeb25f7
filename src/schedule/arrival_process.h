// The gaps between the arrivals of an open loop, and a rate that changes with time. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/random.h"
#include "llmsweep/model/rate_profile.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Gaps of mean 1: Exp(1); gamma of shape 1 / cv² and scale cv²; 1. The same seed gives the same
// gaps, whatever the rate they are scaled to.
class GapSource {
 public:
  GapSource(const ArrivalSpec& arrivals, uint64_t seed);
  double next();

 private:
  double gamma(double shape);

  ArrivalSpec arrivals_;
  Random random_;
};

// The integral of a rate, Λ(t), and its inverse: arrivals at unit rate become arrivals at this one
// (Çinlar's inversion). Burstiness keeps its meaning, and one sequence of gaps serves all rates.
class RateCurve {
 public:
  // One step at least; the last rate goes on for ever, and where it is 0 nothing comes any more.
  explicit RateCurve(std::vector<RateStep> steps);

  double arrivals_by(Duration at) const;  // Λ
  // Λ⁻¹ of `arrivals`, to the nanosecond; calls in ascending order, none beyond what ever comes.
  Duration when(double arrivals);

 private:
  std::vector<RateStep> steps_;
  size_t step_ = 0;     // that the last call ended in
  double begin_s_ = 0;  // of it
  double before_ = 0;   // Λ there
};

}  // namespace llmsweep

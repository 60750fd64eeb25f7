#include "schedule/arrival_process.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace llmsweep {
namespace {

constexpr uint64_t kGapStream = 0x617272697665;  // "arrive"

}  // namespace

GapSource::GapSource(const ArrivalSpec& arrivals, uint64_t seed)
    : arrivals_(arrivals), random_(seed, kGapStream) {}

double GapSource::next() {
  switch (arrivals_.process) {
    case ArrivalProcess::kPoisson:
      return random_.exponential();
    case ArrivalProcess::kGamma:
      return gamma(1 / (arrivals_.cv * arrivals_.cv)) * arrivals_.cv * arrivals_.cv;
    case ArrivalProcess::kConstant:
      break;
  }
  return 1;
}

// Marsaglia & Tsang (2000), with their boost below shape 1.
double GapSource::gamma(double shape) {
  if (shape < 1) {
    const double boost = std::pow(1 - random_.uniform(), 1 / shape);
    return boost * gamma(shape + 1);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random_.normal();
    const double t = 1 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t;
    const double u = 1 - random_.uniform();
    if (std::log(u) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
  }
}

RateCurve::RateCurve(std::vector<RateStep> steps) : steps_(std::move(steps)) {
  assert(!steps_.empty());
}

double RateCurve::arrivals_by(Duration at) const {
  double left_s = to_seconds(at);
  double arrivals = 0;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const double length_s = to_seconds(steps_[i].length);
    if (left_s <= length_s) return arrivals + arrivals_of(steps_[i], left_s);
    arrivals += arrivals_of(steps_[i]);
    left_s -= length_s;
  }
  return arrivals + left_s * steps_.back().to;
}

Duration RateCurve::when(double arrivals) {
  while (step_ < steps_.size() && arrivals - before_ > arrivals_of(steps_[step_])) {
    before_ += arrivals_of(steps_[step_]);
    begin_s_ += to_seconds(steps_[step_].length);
    ++step_;
  }
  const double left = arrivals - before_;
  if (step_ == steps_.size()) {
    const double rate = steps_.back().to;  // 0: `left` is rounding
    return from_seconds(begin_s_ + (rate > 0 ? left / rate : 0));
  }
  const RateStep& step = steps_[step_];
  const double slope = (step.to - step.from) / to_seconds(step.length);
  // The root of from · s + slope · s² / 2 = left, in the form that loses no digits at slope 0.
  const double root = std::sqrt(std::max(0.0, step.from * step.from + 2 * left * slope));
  const double both = step.from + root;
  return from_seconds(begin_s_ + (both > 0 ? 2 * left / both : 0));
}

}  // namespace llmsweep

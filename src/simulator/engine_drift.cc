#include "llmsweep/simulator/engine_drift.h"

#include <cmath>
#include <numbers>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

constexpr int kCells = 8;       // of the walk in a period; between them it is a line
constexpr int kRemembered = 6;  // periods

}  // namespace

// A sum of what was drawn for each cell before it, so that it needs no history.
double DriftClock::walk_at(int64_t cell) const {
  const double forget = std::exp(-1.0 / kCells);
  double sum = 0, weight = std::sqrt(1 - forget * forget);
  for (int back = 0; back < kCells * kRemembered; ++back, weight *= forget) {
    sum += weight * Random(drift_.seed, static_cast<uint64_t>(cell - back)).normal();
  }
  return sum;
}

double DriftClock::walk(double periods) {
  const double place = periods * kCells;
  const auto cell = static_cast<int64_t>(std::floor(place));
  if (cell != cell_) {
    from_ = cell == cell_ + 1 ? to_ : walk_at(cell);
    to_ = walk_at(cell + 1);
    cell_ = cell;
  }
  const double share = place - std::floor(place);
  return from_ + (to_ - from_) * share;
}

double DriftClock::factor(Instant at) {
  if (drift_.kind == DriftKind::kNone || drift_.period.count() <= 0) return 1;
  const double periods =
      static_cast<double>(to_ns(at)) / static_cast<double>(drift_.period.count());
  switch (drift_.kind) {
    case DriftKind::kNone:
      break;
    case DriftKind::kRamp: {
      const double place = std::fmod(periods, 2);
      return 1 + drift_.share * (place < 1 ? place : 2 - place);
    }
    case DriftKind::kSine:
      return std::exp(drift_.share * std::sin(2 * std::numbers::pi * periods));
    case DriftKind::kWalk:
      return std::exp(drift_.share * walk(periods));
  }
  return 1;
}

}  // namespace llmsweep

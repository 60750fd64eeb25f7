#include "schedule/open_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace llmsweep {
namespace {

// Arrivals of the run in operational time, where the rate is 1.
class Arrivals {
 public:
  Arrivals(const ArrivalSpec& spec, uint64_t seed) : spec_(spec), gaps_(spec, seed) {}

  std::vector<double> drawn(double end) {
    std::vector<double> arrivals;
    draw(arrivals, 0, end);
    return arrivals;
  }

  // As drawn, but the window has as many as its rate says: what lies between is scaled to fit.
  std::vector<double> exact(double from, double to, double end) {
    std::vector<double> arrivals;
    draw(arrivals, 0, from);
    const auto count = static_cast<size_t>(std::llround(to - from));
    const bool constant = spec_.process == ArrivalProcess::kConstant;
    std::vector<double> sums;
    double sum = 0;
    for (size_t i = 0; i <= count; ++i) {
      const bool at_an_edge = i == 0 || i == count;
      sum += gaps_.next() * (constant && at_an_edge ? 0.5 : 1);
      sums.push_back(sum);
    }
    for (size_t i = 0; i < count; ++i) arrivals.push_back(from + (to - from) * sums[i] / sum);
    draw(arrivals, to, end);
    return arrivals;
  }

 private:
  void draw(std::vector<double>& arrivals, double from, double to) {
    for (double at = from + gaps_.next(); at < to; at += gaps_.next()) arrivals.push_back(at);
  }

  const ArrivalSpec& spec_;
  GapSource gaps_;
};

}  // namespace

Phase phase_at(Duration at, const OpenWindow& window) {
  if (at < window.from) return Phase::kWarmup;
  return at < window.to ? Phase::kMeasured : Phase::kFiller;
}

Schedule open_loop(const ArrivalSpec& spec, const OpenWindow& window, RateCurve curve,
                   uint64_t seed) {
  const double from = curve.arrivals_by(window.from);
  const double to = curve.arrivals_by(window.to);
  const double end = curve.arrivals_by(window.end);
  Arrivals source(spec, seed);
  const bool exact = spec.count == ArrivalCount::kExact;
  const std::vector<double> arrivals = exact ? source.exact(from, to, end) : source.drawn(end);

  Schedule schedule{.window = window};
  schedule.arrivals.reserve(arrivals.size());
  size_t measured = 0;
  size_t fillers = 0;
  for (const double arrival : arrivals) {
    const Duration at = curve.when(arrival);
    const Phase phase = phase_at(at, window);
    measured += phase == Phase::kMeasured ? 1 : 0;
    const bool spare = phase == Phase::kFiller && fillers++ > measured / 4;
    const auto index = static_cast<uint32_t>(schedule.arrivals.size());
    schedule.arrivals.push_back(
        {.at = at, .slot = kFreeSlot, .prompt = spare ? kSparePrompt : index, .phase = phase});
  }
  return schedule;
}

}  // namespace llmsweep

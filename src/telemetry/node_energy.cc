#include "llmsweep/telemetry/node_energy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "llmsweep/telemetry/energy.h"

namespace llmsweep {
namespace {

// Between the two readings around it; readings.front() <= at <= readings.back().
PowerReading interpolated(std::span<const PowerReading> readings, Duration at) {
  const auto after =
      std::find_if(readings.begin(), readings.end(),
                   [at](const PowerReading& reading) { return reading.since_epoch >= at; });
  if (after->since_epoch == at) return *after;
  const PowerReading& before = *(after - 1);
  const double share =
      to_seconds(at - before.since_epoch) / to_seconds(after->since_epoch - before.since_epoch);
  return {.since_epoch = at, .watts = before.watts + share * (after->watts - before.watts)};
}

}  // namespace

EnergyReading node_energy(std::span<const PowerReading> readings, Duration from, Duration to,
                          std::optional<double> meter_error) {
  EnergyReading energy{.basis = EnergyBasis::kNode, .missing = {}};
  if (to <= from || readings.empty() || readings.front().since_epoch > from ||
      readings.back().since_epoch < to) {
    energy.missing = "edge_missing";
    return energy;
  }
  std::vector<PowerReading> window = {interpolated(readings, from)};
  Duration last{};  // the reading before the next one, which may be outside the window
  double longest_gap = 0;
  for (const PowerReading& reading : readings) {
    if (reading.since_epoch > from && last > Duration{} && last < to) {
      longest_gap = std::max(longest_gap, to_seconds(reading.since_epoch - last));
    }
    last = reading.since_epoch;
    if (reading.since_epoch > from && reading.since_epoch < to) window.push_back(reading);
  }
  window.push_back(interpolated(readings, to));
  double joules = 0;
  double error = 0;
  for (size_t i = 1; i < window.size(); ++i) {
    const double seconds = to_seconds(window[i].since_epoch - window[i - 1].since_epoch);
    joules += (window[i].watts + window[i - 1].watts) / 2 * seconds;
    error += std::abs(window[i].watts - window[i - 1].watts) / 2 * seconds;
  }
  energy.window_s = to_seconds(to - from);
  energy.joules = joules;
  if (meter_error) energy.error_j = error + *meter_error * joules;
  energy.mean_power_w = joules / *energy.window_s;
  if (longest_gap > kLongestMeterGap) {
    energy.missing = "gap_too_long";
  } else if (*energy.window_s < kShortestEnergyWindow) {
    energy.missing = "window_short";
  } else if (joules <= 0) {
    energy.missing = "nothing_used";
  }
  return energy;
}

}  // namespace llmsweep

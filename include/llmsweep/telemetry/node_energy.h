// The energy of a run's window by what a meter at the nodes or at the wall read.
//
// E = the trapezoid over the readings, interpolated at both edges; where power was monotonous
// between two readings it is off by half of its change times the time between, to which the
// meter's own error adds. The clocks of the meter and of this machine must agree: nothing here can
// tell.
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/telemetry.h"

namespace llmsweep {

inline constexpr double kLongestMeterGap = 10;  // s, between two readings of a meter

// `readings` ascend; `from` and `to` are of UTC. `meter_error`: a share; absent: nobody knows.
// `missing`: edge_missing, gap_too_long, window_short, nothing_used; else it is empty, and the
// energy per token is what the run's throughput makes of the mean power.
EnergyReading node_energy(std::span<const PowerReading> readings, Duration from, Duration to,
                          std::optional<double> meter_error);

}  // namespace llmsweep

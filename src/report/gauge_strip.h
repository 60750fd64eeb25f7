// The server's gauges under a run's timeline. Private to report/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/model/telemetry.h"

namespace llmsweep::report {

inline constexpr size_t kMostGaugePoints = 600;  // a gauge; of more the largest of neighbours stays

// One gauge as a reader sees it.
struct GaugeStrip {
  std::string name;  // "waiting"
  std::string unit;  // "requests", "%"; may be empty
  double most = 0;   // of the points; above 0
  std::vector<GaugePoint> points;
};
// Those that say something of a run, in a fixed order: of gauges that were 0 throughout only those
// of requests and the cache.
std::vector<GaugeStrip> gauge_strips(std::span<const GaugeTrack> tracks);

}  // namespace llmsweep::report

#include "report/gauge_strip.h"

#include <algorithm>
#include <utility>

namespace llmsweep::report {
namespace {

using Shown = ServerFigure;

struct GaugeLook {
  Shown figure;
  const char* name;
  const char* unit;
  double scale;
  bool also_zero;  // shown where it was 0 throughout
};
constexpr GaugeLook kGaugeLooks[] = {
    {Shown::kRunning, "running", "requests", 1, true},
    {Shown::kWaiting, "waiting", "requests", 1, true},
    {Shown::kKvUsed, "KV cache", "%", 100, true},
    {Shown::kGpuBusy, "GPUs busy", "%", 100, true},
    {Shown::kGpuTensor, "tensor cores", "%", 100, false},
    {Shown::kGpuPower, "GPU power", "W", 1, false},
    {Shown::kGpuClock, "GPU clock", "MHz", 1, false},
    {Shown::kGpuHeldForPower, "held for power", "% of GPUs", 100, false},
    {Shown::kGpuHeldForHeat, "held for heat", "% of GPUs", 100, false},
};

// The largest of each group of neighbours: a peak is what a reader looks for.
std::vector<GaugePoint> thinned(const std::vector<GaugePoint>& points, double scale) {
  const size_t group = (points.size() + kMostGaugePoints - 1) / kMostGaugePoints;
  std::vector<GaugePoint> kept;
  for (size_t i = 0; i < points.size(); i += group) {
    const auto end =
        points.begin() + static_cast<std::ptrdiff_t>(std::min(i + group, points.size()));
    GaugePoint peak = *std::max_element(
        points.begin() + static_cast<std::ptrdiff_t>(i), end,
        [](const GaugePoint& a, const GaugePoint& b) { return a.value < b.value; });
    peak.value *= scale;
    kept.push_back(peak);
  }
  return kept;
}

}  // namespace

std::vector<GaugeStrip> gauge_strips(std::span<const GaugeTrack> tracks) {
  std::vector<GaugeStrip> strips;
  for (const GaugeLook& look : kGaugeLooks) {
    const auto track = std::find_if(tracks.begin(), tracks.end(), [&](const GaugeTrack& each) {
      return each.figure == look.figure;
    });
    if (track == tracks.end()) continue;
    GaugeStrip strip{
        .name = look.name, .unit = look.unit, .points = thinned(track->points, look.scale)};
    for (const GaugePoint& point : strip.points) strip.most = std::max(strip.most, point.value);
    if (strip.most <= 0 && !look.also_zero) continue;
    if (strip.most <= 0) strip.most = 1;
    strips.push_back(std::move(strip));
  }
  return strips;
}

}  // namespace llmsweep::report

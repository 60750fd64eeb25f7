#include "report/rate_strip.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "llmsweep/stats/level_figure.h"

namespace llmsweep::report {
namespace {

constexpr size_t kMostRateBins = 120;
constexpr size_t kFewestRateBins = 4;
constexpr size_t kRequestsOfABin = 10;

const RunStats* open_run(const SweepResult& result, const RunId& id) {
  const bool has_rate = id.point.kind == LoadKind::kRate || id.point.kind == LoadKind::kProfile;
  const LevelStats* level = has_rate ? find_level(result, id.point) : nullptr;
  if (level == nullptr) return nullptr;
  for (const RunStats& run : level->runs) {
    if (run.repeat == id.repeat && run.open) return &run;
  }
  return nullptr;
}

struct TimeRange {
  int64_t from_ns = 0, to_ns = 0;
};

TimeRange range_of(const std::vector<RequestSpan>& spans) {
  TimeRange range{spans.front().start_ns, spans.front().end_ns};
  for (const RequestSpan& span : spans) {
    range.from_ns = std::min(range.from_ns, span.start_ns);
    range.to_ns = std::max({range.to_ns, span.start_ns, span.end_ns});
  }
  range.to_ns = std::max(range.to_ns, range.from_ns + 1);
  return range;
}

// The steps' corners, and the rates of their edges before and after them.
GaugeStrip planned_strip(const SweepResult& result, const RunStats& run, LoadPoint point,
                         const TimeRange& range) {
  GaugeStrip strip{.name = "planned", .unit = "requests/s", .points = {}};
  const auto add = [&strip](int64_t at_ns, double rate) { strip.points.push_back({at_ns, rate}); };
  const bool steps = point.kind == LoadKind::kProfile && !result.profile.empty();
  add(range.from_ns, steps ? result.profile.front().rate_from : point.value);
  const auto at = [&run](double seconds) {
    return run.open->window_from_ns + static_cast<int64_t>(std::llround(seconds * 1e9));
  };
  if (steps) {
    for (const ProfileStep& step : result.profile) {
      add(at(step.from_s), step.rate_from);
      add(at(step.to_s), step.rate_to);
    }
  }
  add(range.to_ns, steps ? result.profile.back().rate_to : point.value);
  return strip;
}

// A second's count of the instants, at the middle of each bin.
GaugeStrip counted_strip(const char* name, const std::vector<int64_t>& instants,
                         const TimeRange& range, size_t bins) {
  std::vector<int64_t> counts(bins, 0);
  const double width = static_cast<double>(range.to_ns - range.from_ns) / static_cast<double>(bins);
  for (const int64_t at : instants) {
    const auto bin = static_cast<size_t>(static_cast<double>(at - range.from_ns) / width);
    ++counts[std::min(bin, bins - 1)];
  }
  GaugeStrip strip{.name = name, .unit = "requests/s", .points = {}};
  for (size_t i = 0; i < bins; ++i) {
    const double middle = width * (static_cast<double>(i) + 0.5);
    strip.points.push_back({range.from_ns + static_cast<int64_t>(middle),
                            static_cast<double>(counts[i]) / (width / 1e9)});
  }
  return strip;
}

}  // namespace

std::vector<GaugeStrip> rate_strips(const SweepResult& result, const RunRequests& requests) {
  const RunStats* run = open_run(result, requests.run);
  if (run == nullptr || requests.spans.empty()) return {};
  const TimeRange range = range_of(requests.spans);
  std::vector<int64_t> sent, served;
  for (const RequestSpan& span : requests.spans) {
    sent.push_back(span.start_ns);
    if (span.outcome == Outcome::kOk) served.push_back(span.end_ns);
  }
  const size_t bins =
      std::clamp(requests.spans.size() / kRequestsOfABin, kFewestRateBins, kMostRateBins);
  std::vector<GaugeStrip> strips = {planned_strip(result, *run, requests.run.point, range),
                                    counted_strip("sent", sent, range, bins),
                                    counted_strip("served", served, range, bins)};
  double most = 0;
  for (const GaugeStrip& strip : strips) {
    for (const GaugePoint& point : strip.points) most = std::max(most, point.value);
  }
  for (GaugeStrip& strip : strips) strip.most = most > 0 ? most : 1;
  return strips;
}

}  // namespace llmsweep::report

#include "schedule/replay.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <unordered_map>

#include "llmsweep/base/random.h"
#include "schedule/open_loop.h"

namespace llmsweep {
namespace {

constexpr uint64_t kKeepStream = 0x6b656570;        // "keep"
constexpr uint64_t kShiftStream = 0x7368696674;     // "shift"
constexpr uint64_t kTickStream = 0x7469636b;        // "tick"
constexpr uint64_t kCopyStep = 0x9E3779B97F4A7C15;  // apart from any session's number

struct TraceScale {
  double share = 1;
  uint32_t copies = 1;
  double speed = 1;
};

TraceScale scaled_to_rate(double wanted, double own) {
  const double copies = std::max(1.0, std::ceil(wanted / own - 1e-9));
  return {.share = std::min(1.0, wanted / (own * copies)), .copies = static_cast<uint32_t>(copies)};
}

TraceScale scale_of(const TraceSpec& trace, double value) {
  if (!trace.copies.empty()) return {.copies = static_cast<uint32_t>(value)};
  if (!trace.speed.empty()) return {.speed = value};
  if (!trace.rate.empty()) return scaled_to_rate(value, trace.replay->rate_rps());
  return {.share = value};
}

// Begins of sessions; of a trace without any each request is one.
class SessionBegins {
 public:
  explicit SessionBegins(const Trace& trace) {
    if (!trace.has_sessions) return;
    for (const TraceRequest& request : trace.requests) {
      begins_.try_emplace(request.session, request.at);
    }
  }
  Duration of(const TraceRequest& request) const {
    const auto found = begins_.find(request.session);
    return found == begins_.end() ? request.at : found->second;
  }

 private:
  std::unordered_map<uint64_t, Duration> begins_;
};

// One copy of the trace.
class TraceCopy {
 public:
  TraceCopy(const ReplayTrace& replay, const TraceScale& scale, uint32_t copy)
      : replay_(replay), scale_(scale), copy_(copy) {
    if (copy == 0) return;
    const double share = Random(replay.seed ^ kShiftStream, copy).uniform();
    shift_ = from_seconds(to_seconds(replay.span) * share);
  }

  bool keeps(const TraceRequest& request) const {
    if (scale_.share >= 1) return true;
    return Random(replay_.seed ^ kKeepStream, request.session ^ copy_ * kCopyStep).uniform() <
           scale_.share;
  }
  // The time within a session stays as it is.
  Duration when(const TraceRequest& request, Duration session_begin) const {
    Duration begin = session_begin;
    if (shift_ > Duration(0)) begin = (begin + shift_) % replay_.span;
    if (scale_.speed != 1) begin = from_seconds(to_seconds(begin) / scale_.speed);
    return begin + (request.at - session_begin);
  }

 private:
  const ReplayTrace& replay_;
  const TraceScale& scale_;
  uint32_t copy_;
  Duration shift_{};
};

struct ReplayedRow {
  Duration at{};
  TraceRow row;
};

// Before `end`, in order of time.
std::vector<ReplayedRow> rows_until(Duration end, const TraceSpec& trace, const TraceScale& scale,
                                    uint64_t seed) {
  const ReplayTrace& replay = *trace.replay;
  const SessionBegins begins(replay.trace);
  std::vector<ReplayedRow> rows;
  for (uint32_t copy = 0; copy < scale.copies; ++copy) {
    const TraceCopy of(replay, scale, copy);
    uint32_t row = 0;
    for (const TraceRequest& request : replay.trace.requests) {
      const TraceRow place{.row = row++, .copy = copy};
      if (!of.keeps(request)) continue;
      Duration at = of.when(request, begins.of(request));
      if (trace.spread > Duration(0)) {
        const uint64_t stream = uint64_t{copy} << 32 | place.row;
        at += from_seconds(to_seconds(trace.spread) * Random(seed ^ kTickStream, stream).uniform());
      }
      if (at < end) rows.push_back({at, place});
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ReplayedRow& a, const ReplayedRow& b) { return a.at < b.at; });
  return rows;
}

}  // namespace

std::vector<double> trace_scales(const TraceSpec& trace) {
  if (!trace.wanted()) return {};
  if (!trace.copies.empty()) return {trace.copies.begin(), trace.copies.end()};
  if (!trace.speed.empty()) return trace.speed;
  if (!trace.rate.empty()) return trace.rate;
  return trace.share.empty() ? std::vector<double>{1} : trace.share;
}

Schedule replay(const TraceSpec& trace, double scale, const OpenWindow& window, uint64_t seed) {
  assert(trace.replay != nullptr);
  Schedule schedule{.window = window};
  size_t measured = 0;
  size_t fillers = 0;
  for (const ReplayedRow& row : rows_until(window.end, trace, scale_of(trace, scale), seed)) {
    const Phase phase = phase_at(row.at, window);
    measured += phase == Phase::kMeasured ? 1 : 0;
    const bool spare = phase == Phase::kFiller && fillers++ > measured / 4;
    const auto index = static_cast<uint32_t>(schedule.arrivals.size());
    schedule.arrivals.push_back(
        {.at = row.at, .slot = kFreeSlot, .prompt = spare ? kSparePrompt : index, .phase = phase});
    schedule.rows.push_back(row.row);
  }
  return schedule;
}

double peak_rate(const Schedule& schedule) {
  constexpr double kSeconds = 10;
  size_t most = 0;
  size_t first = 0;
  const std::vector<Arrival>& arrivals = schedule.arrivals;
  for (size_t i = 0; i < arrivals.size(); ++i) {
    while (to_seconds(arrivals[i].at - arrivals[first].at) >= kSeconds) ++first;
    most = std::max(most, i - first + 1);
  }
  return static_cast<double>(most) / kSeconds;
}

}  // namespace llmsweep

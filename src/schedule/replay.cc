#include "schedule/replay.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <unordered_map>
#include <utility>

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

// Begins of sessions, and how many turns they have; of a trace without any each request is one.
class TraceSessionList {
 public:
  explicit TraceSessionList(const Trace& trace) {
    if (!trace.has_sessions) return;
    for (const TraceRequest& request : trace.requests) {
      ++sessions_.try_emplace(request.session, Session{request.at, 0}).first->second.turns;
    }
  }
  Duration begin_of(const TraceRequest& request) const {
    const auto found = sessions_.find(request.session);
    return found == sessions_.end() ? request.at : found->second.begin;
  }
  uint32_t turns_of(const TraceRequest& request) const {
    const auto found = sessions_.find(request.session);
    return found == sessions_.end() ? 0 : found->second.turns;
  }

 private:
  struct Session {
    Duration begin{};
    uint32_t turns = 0;
  };
  std::unordered_map<uint64_t, Session> sessions_;
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
  Duration at{};  // of a turn that waits for the one before it: at the earliest
  TraceRow row;
  Duration gap{};  // of such a turn
};

// The sessions of one copy, as far as their rows were seen.
class SessionsSoFar {
 public:
  struct Session {
    uint32_t number = 0;
    uint32_t turns = 0;
    Duration last_at{};
  };

  // `next` counts the sessions of all copies.
  SessionsSoFar(const TraceSpec& trace, uint32_t& next) : trace_(trace), next_(next) {}

  // Names the turn, which its trace has at `row.at`, and puts it behind the turn before it.
  void place(ReplayedRow& row, const TraceRequest& request, uint32_t turns) {
    const auto [found, first] = sessions_.try_emplace(request.session);
    Session& session = found->second;
    if (first) session.number = next_++;
    row.row.session = session.number;
    row.row.turn = ++session.turns;
    row.row.turns = turns;
    if (!first && trace_.sessions == TraceSessions::kClosed) {
      row.gap = request.think;
      if (trace_.think_cap) row.gap = std::min(row.gap, *trace_.think_cap);
      const Duration room = Duration::max() - session.last_at;
      row.at = session.last_at + std::min(row.gap, room);
    }
    session.last_at = row.at;
  }

 private:
  const TraceSpec& trace_;
  uint32_t& next_;
  std::unordered_map<uint64_t, Session> sessions_;
};

// Before `end`, in order of time.
std::vector<ReplayedRow> rows_until(Duration end, const TraceSpec& trace, const TraceScale& scale,
                                    uint64_t seed) {
  const ReplayTrace& replay = *trace.replay;
  const TraceSessionList list(replay.trace);
  std::vector<ReplayedRow> rows;
  uint32_t sessions = 0;
  for (uint32_t copy = 0; copy < scale.copies; ++copy) {
    const TraceCopy of(replay, scale, copy);
    SessionsSoFar so_far(trace, sessions);
    uint32_t row = 0;
    for (const TraceRequest& request : replay.trace.requests) {
      ReplayedRow replayed{.row = {.row = row++, .copy = copy}};
      if (!of.keeps(request)) continue;
      replayed.at = of.when(request, list.begin_of(request));
      if (trace.spread > Duration(0)) {
        const uint64_t stream = uint64_t{copy} << 32 | replayed.row.row;
        replayed.at +=
            from_seconds(to_seconds(trace.spread) * Random(seed ^ kTickStream, stream).uniform());
      }
      if (replay.trace.has_sessions) so_far.place(replayed, request, list.turns_of(request));
      if (replayed.at < end) rows.push_back(replayed);
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
  schedule.turns_wait = trace.turns_wait();
  std::unordered_map<uint32_t, uint32_t> last;  // of sessions, by their numbers
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
    if (!schedule.turns_wait) continue;
    const auto [before, first] = last.try_emplace(row.row.session, index);
    if (first) continue;
    schedule.arrivals.back().after = std::exchange(before->second, index);
    schedule.arrivals.back().gap = row.gap;
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

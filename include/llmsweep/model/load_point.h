// What load a level puts on the endpoint, and which run of it: the identity of a level and of a run
// in the schedule, the records, the journal, the statistics, the gate and the charts.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

// What a load point's number counts; a prefix of its name. In the order in which levels stand.
enum class LoadKind {
  kConcurrency,  // c8: requests in flight, each slot sending its next when the last has ended
  kRate,         // r2.5: requests a second, whatever is in flight
  kUsers,        // u16: users, each with a session of its own and time between its requests
  kProfile,      // p4.25: a rate that changes with time, by its mean in requests a second
  kTrace,        // t0.5: recorded traffic, by what it is scaled with (load.trace says how)
};

// Where a request's latencies start: kSent in a closed loop, kScheduled in an open one.
enum class LatencyOrigin { kSent, kScheduled };

// Its value is above 0, and whole but for a rate, a profile and a trace. 0: not known, in published
// data only.
struct LoadPoint {
  LoadKind kind = LoadKind::kConcurrency;
  double value = 0;

  bool known() const { return value > 0; }
  // Requests in flight; 0 where the point does not hold their number.
  int concurrency() const { return kind == LoadKind::kConcurrency ? static_cast<int>(value) : 0; }
  // Who sends, and so the connections that it needs; 0 where the point does not bound them.
  int slots() const { return is_closed() ? static_cast<int>(value) : 0; }
  // Whether a request waits for the one before it, rather than for an instant of its own.
  bool is_closed() const { return kind == LoadKind::kConcurrency || kind == LoadKind::kUsers; }
  LatencyOrigin origin() const {
    return is_closed() ? LatencyOrigin::kSent : LatencyOrigin::kScheduled;
  }

  // By kind, then by value.
  auto operator<=>(const LoadPoint&) const = default;
};

inline LoadPoint at_concurrency(int concurrency) {
  return {LoadKind::kConcurrency, static_cast<double>(concurrency)};
}
inline LoadPoint at_rate(double requests_per_second) {
  return {LoadKind::kRate, requests_per_second};
}
inline LoadPoint of_profile(double mean_requests_per_second) {
  return {LoadKind::kProfile, mean_requests_per_second};
}
inline LoadPoint of_trace(double scale) {
  return {LoadKind::kTrace, scale};
}
inline LoadPoint with_users(int users) {
  return {LoadKind::kUsers, static_cast<double>(users)};
}

std::string_view name_of(
    LoadKind kind);  // "concurrency", "request rate", "users", "rate profile", "trace"
std::string name_of(LoadPoint point);     // "c8", "r2.5", "u16", "p4.25", "t0.5"
std::string value_text(LoadPoint point);  // "8", "2.5", "16": where the kind is said elsewhere
std::string text_of(LoadPoint point);     // "concurrency 8", "request rate 2.5", "users 16"

// What name_of() writes. Nothing for what is no such name, for a value that is not above 0 or is
// above a million, and for a part of a request or of a user.
std::optional<LoadPoint> parse_load_point(std::string_view name);

// One run of a level.
struct RunId {
  LoadPoint point;
  int repeat = 0;  // from 0

  auto operator<=>(const RunId&) const = default;
};

std::string text_of(const RunId& run);  // "concurrency 8, repeat 1": people count from 1

// Of a session of users, unique in a sweep: "u8.0.12", by level, repeat (from 0) and number.
std::string session_name(const RunId& run, uint32_t session);

}  // namespace llmsweep

// Time. Nothing outside base/clock reads a clock of the system.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

using Duration = std::chrono::nanoseconds;
// CLOCK_MONOTONIC, ns. On Linux std::chrono::steady_clock is exactly that clock.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

constexpr int64_t to_ns(Instant instant) {
  return instant.time_since_epoch().count();
}
constexpr Instant from_ns(int64_t ns) {
  return Instant(Duration(ns));
}
constexpr double to_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}
constexpr double to_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}
Duration from_ms(double ms);            // rounded to the nearest ns
Duration from_seconds(double seconds);  // rounded to the nearest ns

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

// Stateless; any thread.
class SteadyClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
};

// For tests: stands still until moved. One thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start = from_ns(1'000'000'000)) : now_(start) {}
  Instant now() const override { return now_; }
  void advance(Duration by) { now_ += by; }
  void advance_to(Instant instant) {
    if (instant > now_) now_ = instant;
  }

 private:
  Instant now_;
};

// Wall-clock time, UTC, as in "2026-11-22T04:05:06Z". For provenance only, never for a measurement.
std::string utc_timestamp();
std::string utc_timestamp(int64_t unix_seconds);
std::string utc_timestamp(Duration since_epoch);  // to the microsecond, as RFC 3339 has it
// Of either form; nothing of anything else.
std::optional<Duration> parse_utc_timestamp(std::string_view text);

// CLOCK_REALTIME − CLOCK_MONOTONIC now: kernel receive stamps are CLOCK_REALTIME.
Duration realtime_minus_monotonic();

// Both clocks at one instant, and how far the kernel says that CLOCK_REALTIME may be off from UTC
// (adjtimex's maxerror and esterror). Absent: it says that the clock is not synchronised.
struct ClockReading {
  int64_t monotonic_ns = 0;
  int64_t realtime_ns = 0;
  std::optional<int64_t> max_error_us;
  std::optional<int64_t> estimated_error_us;

  Duration offset() const { return Duration(realtime_ns - monotonic_ns); }
  bool operator==(const ClockReading&) const = default;
};
ClockReading read_clocks();

// CPU time that the calling thread has used.
Duration thread_cpu_time();

}  // namespace llmsweep

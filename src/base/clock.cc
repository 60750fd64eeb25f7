#include "llmsweep/base/clock.h"

#include <ctime>

#include <cmath>

namespace llmsweep {
namespace {

Duration read_clock(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Duration from_ms(double ms) {
  return Duration(std::llround(ms * 1e6));
}
Duration from_seconds(double seconds) {
  return Duration(std::llround(seconds * 1e9));
}

std::string utc_timestamp() {
  return utc_timestamp(
      std::chrono::duration_cast<std::chrono::seconds>(read_clock(CLOCK_REALTIME)).count());
}

std::string utc_timestamp(int64_t unix_seconds) {
  const std::time_t seconds = unix_seconds;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

Duration realtime_minus_monotonic() {
  // The narrowest of a few brackets, so that a preemption between two reads does not count.
  Duration best{};
  Duration narrowest = Duration::max();
  for (int i = 0; i < 5; ++i) {
    const Duration before = read_clock(CLOCK_MONOTONIC);
    const Duration real = read_clock(CLOCK_REALTIME);
    const Duration after = read_clock(CLOCK_MONOTONIC);
    if (after - before < narrowest) {
      narrowest = after - before;
      best = real - (before + (after - before) / 2);
    }
  }
  return best;
}

Duration thread_cpu_time() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace llmsweep

#include "llmsweep/base/clock.h"

#include <sys/timex.h>

#include <cmath>
#include <ctime>

#include "llmsweep/base/text.h"

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

std::string utc_timestamp(Duration since_epoch) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto rest = std::chrono::floor<std::chrono::microseconds>(since_epoch - seconds);
  const std::string micros = std::to_string(1'000'000 + rest.count());
  std::string text = utc_timestamp(int64_t{seconds.count()});
  return text.replace(text.size() - 1, 1, "." + micros.substr(1) + "Z");
}

std::optional<Duration> parse_utc_timestamp(std::string_view text) {
  const auto part = [&text](size_t at, size_t size) {
    return text.size() >= at + size ? parse_int(text.substr(at, size)) : std::nullopt;
  };
  const auto year = part(0, 4), month = part(5, 2), day = part(8, 2);
  const auto hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  Duration instant = std::chrono::sys_days(date).time_since_epoch();
  instant += std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  instant += std::chrono::seconds(*second);
  if (text.size() < 21 || text[19] != '.') return instant;
  int64_t unit = 100'000'000;
  for (const char digit : text.substr(20, 9)) {
    if (digit < '0' || digit > '9') break;
    instant += std::chrono::nanoseconds((digit - '0') * unit);
    unit /= 10;
  }
  return instant;
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

ClockReading read_clocks() {
  const Duration now = read_clock(CLOCK_MONOTONIC);
  ClockReading reading{.monotonic_ns = now.count(),
                       .realtime_ns = (now + realtime_minus_monotonic()).count(),
                       .max_error_us = {},
                       .estimated_error_us = {}};
  timex kernel{};
  const int state = ntp_adjtime(&kernel);
  const bool synchronised = state >= 0 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
  if (synchronised) {
    reading.max_error_us = kernel.maxerror;
    reading.estimated_error_us = kernel.esterror;
  }
  return reading;
}

Duration thread_cpu_time() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace llmsweep

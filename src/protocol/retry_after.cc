#include "llmsweep/protocol/retry_after.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "llmsweep/base/text.h"
#include "protocol/header_block.h"

namespace llmsweep {
namespace {

constexpr int64_t kLongestSeconds = 86'400;

// "Sun, 06 Nov 1994 08:49:37 GMT" as seconds since 1970.
std::optional<int64_t> parse_date(std::string_view text) {
  const std::vector<std::string> parts = split(text, ' ');
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (parts.size() != 6 || parts[5] != "GMT") return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), parts[2]);
  const std::optional<int64_t> day = parse_int(parts[1]);
  const std::optional<int64_t> year = parse_int(parts[3]);
  if (month == kMonths.end() || !day || !year || *year < 1970 || *year > 9999) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin() + 1)),
      std::chrono::day(static_cast<unsigned>(std::clamp<int64_t>(*day, 0, 99))));
  if (!date.ok()) return std::nullopt;
  int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * kLongestSeconds;
  int64_t unit = 3600;
  const std::vector<std::string> time = split(parts[4], ':');
  if (time.size() != 3) return std::nullopt;
  for (const std::string& part : time) {
    const std::optional<int64_t> number = parse_int(part);
    if (!number || *number < 0 || *number > 60) return std::nullopt;
    seconds += *number * unit;
    unit /= 60;
  }
  return seconds;
}

}  // namespace

std::optional<Duration> retry_after(std::string_view header_block) {
  const std::string_view value = header_value(header_block, "retry-after");
  if (value.empty()) return std::nullopt;
  if (value.find_first_not_of("0123456789") == std::string_view::npos) {  // of any length
    return std::chrono::seconds(
        std::min(parse_int(value).value_or(kLongestSeconds), kLongestSeconds));
  }
  const std::optional<int64_t> then = parse_date(value);
  const std::optional<int64_t> now = parse_date(header_value(header_block, "date"));
  if (!then || !now) return std::nullopt;
  return std::chrono::seconds(std::clamp<int64_t>(*then - *now, 0, kLongestSeconds));
}

}  // namespace llmsweep

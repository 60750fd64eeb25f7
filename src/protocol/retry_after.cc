#include "llmsweep/protocol/retry_after.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "llmsweep/base/text.h"
#include "protocol/header_block.h"

namespace llmsweep {
namespace {

using std::chrono::milliseconds;
using std::chrono::sys_seconds;

constexpr std::string_view kDigits = "0123456789";

struct Date {
  std::string_view day, month, year, time;
};

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(" \t")));
    text.remove_prefix(words.back().size());
  }
}

// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
std::optional<Date> parts_of(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() == 6 && words[5] == "GMT") {
    return Date{.day = words[1], .month = words[2], .year = words[3], .time = words[4]};
  }
  if (words.size() == 5) {
    return Date{.day = words[2], .month = words[1], .year = words[4], .time = words[3]};
  }
  if (words.size() != 4 || words[3] != "GMT") return std::nullopt;
  const std::string_view date = words[1];
  if (date.size() != 9 || date[2] != '-' || date[6] != '-') return std::nullopt;
  return Date{.day = date.substr(0, 2),
              .month = date.substr(3, 3),
              .year = date.substr(7),
              .time = words[2]};
}

std::optional<int64_t> number_in(std::string_view text, int64_t first, int64_t last) {
  if (text.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
  const std::optional<int64_t> number = parse_int(text);
  return number && *number >= first && *number <= last ? number : std::nullopt;
}

// Of two digits: the year within 50 of `now`.
std::optional<int> year_of(std::string_view text, std::optional<Duration> now) {
  const std::optional<int64_t> year = number_in(text, 0, 9999);
  if (!year || (text.size() > 2 && *year < 1970)) return std::nullopt;
  if (text.size() > 2) return static_cast<int>(*year);
  const std::chrono::sys_days today(
      std::chrono::floor<std::chrono::days>(now.value_or(Duration(0))));
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  const int found = this_year - this_year % 100 + static_cast<int>(*year);
  if (found > this_year + 50) return found - 100;
  return found < this_year - 50 ? found + 100 : found;
}

std::optional<sys_seconds> parse_date(std::string_view text, std::optional<Duration> now) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::optional<Date> parts = parts_of(text);
  if (!parts) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), parts->month);
  const std::optional<int64_t> day = number_in(parts->day, 1, 31);
  const std::optional<int> year = year_of(parts->year, now);
  if (month == kMonths.end() || !day || !year) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin() + 1)),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  const std::vector<std::string> time = split(parts->time, ':');
  if (time.size() != 3) return std::nullopt;
  const std::optional<int64_t> hours = number_in(time[0], 0, 23);
  const std::optional<int64_t> minutes = number_in(time[1], 0, 59);
  const std::optional<int64_t> seconds = number_in(time[2], 0, 60);
  if (!hours || !minutes || !seconds) return std::nullopt;
  return sys_seconds(std::chrono::sys_days(date)) + std::chrono::hours(*hours) +
         std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds);
}

// "2", "0.5", of any length.
std::optional<milliseconds> parse_seconds(std::string_view text) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  const bool digits = whole.find_first_not_of(kDigits) == std::string_view::npos &&
                      fraction.find_first_not_of(kDigits) == std::string_view::npos;
  if (!digits || whole.empty() || (point < text.size() && fraction.empty())) return std::nullopt;
  constexpr int64_t kMost = kLongestRetryAfter.count() / 1000;
  const int64_t seconds = std::min(parse_int(whole).value_or(kMost), kMost);
  int64_t part = 0;
  for (int64_t unit = 100; unit > 0; unit /= 10) {
    if (fraction.empty()) break;
    part += unit * (fraction.front() - '0');
    fraction.remove_prefix(1);
  }
  if (fraction.find_first_not_of('0') != std::string_view::npos) ++part;
  return std::min(milliseconds(seconds * 1000 + part), kLongestRetryAfter);
}

}  // namespace

std::optional<milliseconds> retry_after(std::string_view header_block,
                                        std::optional<Duration> now) {
  const std::string_view value = header_value(header_block, "retry-after");
  if (value.empty()) return std::nullopt;
  if (const std::optional<milliseconds> wait = parse_seconds(value)) return wait;
  const std::optional<sys_seconds> today = parse_date(header_value(header_block, "date"), now);
  if (today) now = today->time_since_epoch();
  const std::optional<sys_seconds> then = parse_date(value, now);
  if (!then || !now) return std::nullopt;
  return std::clamp(milliseconds(then->time_since_epoch()) - std::chrono::floor<milliseconds>(*now),
                    milliseconds(0), kLongestRetryAfter);
}

}  // namespace llmsweep

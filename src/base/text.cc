#include "llmsweep/base/text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>

namespace llmsweep {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};
constexpr std::array<Unit, 6> kUnits = {{{"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};

// The length of the valid UTF-8 character at the start of `text`, or 0; `maximal` receives how many
// bytes a decoder replaces by one U+FFFD when it is 0.
size_t valid_character(std::string_view text, size_t& maximal) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  maximal = 1;
  if (lead < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) {
      maximal = i;
      return 0;
    }
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: insertions, deletions, substitutions, transpositions.
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  std::iota(cost[0].begin(), cost[0].end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

bool is_bidirectional_control(utf8proc_int32_t c) {
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

// CI runners take such text in a program's output for commands to themselves: GitHub's
// "::error::…" at a line's start and "##[error]…" anywhere, Azure's "##vso[…", TeamCity's
// "##teamcity[…". Returns how the first byte is to be shown; empty: as it is.
std::string_view harmless_command_mark(std::string_view text, bool at_word) {
  if (text[0] == ':') {
    const bool command =
        at_word && text.substr(0, 2) == "::" && text.find("::", 2) != std::string_view::npos;
    return command ? "\\u003a" : "";
  }
  if (text.substr(0, 2) != "##") return "";
  const size_t word =
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 2);
  return word != std::string_view::npos && text[word] == '[' ? "\\u0023" : "";
}

// Line breaks of YAML and JavaScript, and characters that show nothing.
bool is_invisible(utf8proc_int32_t c) {
  return c == 0x85 || c == 0xad || c == 0x180e || (c >= 0x200b && c <= 0x200d) || c == 0x2028 ||
         c == 0x2029 || c == 0x2060 || c == 0xfeff;
}

}  // namespace

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<int64_t> parse_int(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> parse_duration(std::string_view text) {
  const size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const std::optional<double> number = parse_double(text.substr(0, digits));
  const std::string_view unit = trim(text.substr(digits));
  for (const auto& [name, ns] : kUnits) {
    if (unit != name || !number) continue;
    const double value = *number * static_cast<double>(ns);
    if (value > 9e18) return std::nullopt;
    return Duration(std::llround(value));
  }
  return std::nullopt;
}

std::string format_duration(Duration duration) {
  const int64_t ns = duration.count();
  if (ns == 0) return "0s";
  // The largest unit that shows the value with at most three decimals; minutes and hours only when
  // whole, as "90s" reads better than "1.5m".
  for (const auto& [name, unit] : kUnits) {
    const bool whole_only = unit > 1'000'000'000;
    if (std::abs(ns) < unit) continue;
    if (whole_only ? ns % unit == 0 : ns % std::max<int64_t>(unit / 1000, 1) == 0) {
      return fmt::format("{}{}", static_cast<double>(ns) / static_cast<double>(unit), name);
    }
  }
  return fmt::format("{}ns", ns);
}

std::string format_number(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (text.find_first_not_of("-0.") == std::string::npos && text[0] == '-') text.erase(0, 1);
  const size_t point = std::min(text.find('.'), text.size());
  const size_t first = text[0] == '-' ? 1 : 0;
  for (size_t at = point; at > first + 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string format_significant(double value, int significant) {
  if (value == 0 || !std::isfinite(value)) return format_number(value);
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  return format_number(value, std::max(0, significant - 1 - magnitude));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (true) {
    const size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 64;
  if (word.size() > kLongest) return std::nullopt;
  // What others call it is nearer than what is spelt alike: a median is no mean.
  constexpr std::pair<std::string_view, std::string_view> kSynonyms[] = {
      {"median", "p50"},  {"average", "mean"}, {"avg", "mean"},
      {"latency", "e2e"}, {"e2el", "e2e"},     {"tps", "throughput"}};
  for (const auto& [other, ours] : kSynonyms) {
    const bool is_ours = std::find(candidates.begin(), candidates.end(), ours) != candidates.end();
    if (word == other && is_ours) return std::string(ours);
  }
  std::optional<std::string> best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (const auto best = nearest(word, candidates)) return "did you mean '" + *best + "'?";
  return "expected one of: " + join(candidates, ", ");
}

std::string printable(std::string_view text, size_t limit) {
  std::string shown;
  bool at_word = true;  // at the start, or after white space
  while (!text.empty()) {
    if (shown.size() >= limit) return shown + "…";
    if (const std::string_view harmless = harmless_command_mark(text, at_word); !harmless.empty()) {
      shown += harmless;
      text.remove_prefix(1);
      at_word = false;
      continue;
    }
    at_word = text[0] == ' ';
    size_t maximal = 1;
    const size_t length = valid_character(text, maximal);
    if (length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    utf8proc_int32_t character = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(length), &character);
    if (character == '\n') {
      shown += "\\n";
      at_word = true;
    } else if (character < 0x20 || (character >= 0x7f && character < 0xa0) ||
               is_bidirectional_control(character) || character == 0x2028 || character == 0x2029) {
      shown += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return shown;
}

std::string escape_marks(std::string_view quoted) {
  std::string text;
  while (!quoted.empty()) {
    size_t maximal = 1;
    const size_t length = std::max<size_t>(valid_character(quoted, maximal), 1);
    utf8proc_int32_t character = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(quoted.data()),
                     static_cast<utf8proc_ssize_t>(length), &character);
    const bool command = quoted[0] == '#' && !harmless_command_mark(quoted, false).empty();
    if (command || is_bidirectional_control(character) || is_invisible(character)) {
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
    } else {
      text += quoted.substr(0, length);
    }
    quoted.remove_prefix(length);
  }
  return text;
}

std::string compatibility_form(std::string_view text) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT |
                                                      UTF8PROC_COMPOSE | UTF8PROC_IGNORE);
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)};
}

bool is_valid_utf8(std::string_view text) {
  size_t maximal = 0;
  while (!text.empty()) {
    const size_t length = valid_character(text, maximal);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string repair_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    size_t maximal = 1;
    const size_t length = valid_character(bytes, maximal);
    text += length == 0 ? std::string_view("\xef\xbf\xbd") : bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? maximal : length);
  }
  return text;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    size_t maximal = 1;
    const size_t length = std::max<size_t>(valid_character(text, maximal), 1);
    utf8proc_int32_t character = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(length), &character);
    width += static_cast<size_t>(std::max(0, utf8proc_charwidth(character)));
    text.remove_prefix(length);
  }
  return width;
}

}  // namespace llmsweep

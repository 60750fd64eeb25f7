// Small text tools: numbers without the locale, spelling suggestions, text that is safe to show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// The whole text must be one number; otherwise nothing. Never the locale.
std::optional<double> parse_double(std::string_view text);
std::optional<int64_t> parse_int(std::string_view text);

// "1.5s", "600 s", "200ms", "15us", "2m", "1h", "90ns". A bare number has no unit and is refused.
std::optional<Duration> parse_duration(std::string_view text);
// The shortest exact-looking form: "15s", "1.5s", "200ms", "2m".
std::string format_duration(Duration duration);

// 14716.4 -> "14,716"; `digits` after the point.
std::string format_number(double value, int digits = 0);
// At least three significant digits for small values: 0.0468 -> "0.047", 272.4 -> "272".
std::string format_significant(double value, int significant = 3);

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// The candidate with the smallest edit distance (transposition counts once), if close enough to be
// a slip of the fingers: at most a third of the word's length, at least 1.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);
// "; did you mean 'concurrency'?" or "expected one of: a, b, c".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

// Control characters, escape sequences, bidirectional overrides and invalid UTF-8 become visible
// text; longer than `limit` bytes is cut at a character with "…". For anything that came from
// outside and goes to a terminal or an error message.
std::string printable(std::string_view text, size_t limit = 200);

// JSON text, or YAML in double quotes, with each character that turns the direction of what follows
// or shows nothing, and each mark of a CI runner's command, written as \\uXXXX: it means the same,
// and cannot reorder what a person reads or command who logs it.
std::string escape_marks(std::string_view quoted);

// Unicode's NFKC without what shows nothing: "＝" becomes "=". Text that is no UTF-8 stays.
std::string compatibility_form(std::string_view text);

bool is_valid_utf8(std::string_view text);
// Replaces each maximal invalid subpart by U+FFFD, as the WHATWG decoder does.
std::string repair_utf8(std::string_view bytes);
// How many columns a terminal needs for valid UTF-8 `text` (wide characters count 2).
size_t display_width(std::string_view text);

}  // namespace llmsweep

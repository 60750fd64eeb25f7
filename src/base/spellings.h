// What a text says once the escapes of JSON, URLs, HTML and program source in it are undone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsweep {

// One reading of a source text. text[i] is spelled by the source's bytes from spans[i].first up to
// spans[i].second; bytes of one escape share its span.
struct TextReading {
  std::string text;
  std::vector<std::pair<size_t, size_t>> spans;  // empty: text is the source itself
  std::pair<size_t, size_t> span(size_t i) const {
    return spans.empty() ? std::pair(i, i + 1) : spans[i];
  }
};

// The text as it stands, then with one more layer of escapes undone each, up to four ("\\u002b"
// within JSON within JSON), until nothing changes. Knows \uXXXX (pairs of surrogates too), \u{X},
// \x{X}, \UXXXXXXXX, \xXX, \o to \ooo, CSS's \00XXXX, \n and the like, a backslash before
// punctuation, %XX, %uXXXX, &#N; &#xH; and the named entities of ASCII, with the semicolon or not.
// An escape that the text's end cuts in two is left out of the later readings.
std::vector<TextReading> readings_of(std::string_view text);

// Whether a text may hold a list of 8 numbers with anything between them: a look is cheap.
bool may_list_numbers(std::string_view text);

// What lists of 8 numbers or more say: "73 6b 2d", "73:6B", "0x73, 0x6b", "=73=6B", "U+0073" and
// plain hexadecimal where `base` is 16, "115, 107" where it is 10. Nothing stands between two
// lists.
TextReading listed_numbers(const TextReading& from, uint32_t base);

// The letters and digits of ASCII, in lower case.
std::string folded_letters(std::string_view text);
TextReading folded_letters(const TextReading& from);

}  // namespace llmsweep

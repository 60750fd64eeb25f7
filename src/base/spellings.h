// What a text says once the escapes of JSON, URLs, HTML and program source in it are undone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsweep {

// One reading of a source text. text[i] is spelled by the source's bytes from spans[i].first up to
// spans[i].second; bytes of one escape share its span.
struct Reading {
  std::string text;
  std::vector<std::pair<size_t, size_t>> spans;  // empty: text is the source itself
  std::pair<size_t, size_t> span(size_t i) const {
    return spans.empty() ? std::pair(i, i + 1) : spans[i];
  }
};

// The text as it stands, then with one more layer of escapes undone each, up to four ("\\u002b"
// within JSON within JSON), until nothing changes. Knows \uXXXX (pairs of surrogates too), \u{X},
// \UXXXXXXXX, \xXX, \ooo, \n and the like, a backslash before punctuation, %XX, %uXXXX, &#N; &#xH;
// and the named entities of ASCII. An escape that the text's end cuts in two is left out of the
// later readings.
std::vector<Reading> readings_of(std::string_view text);

}  // namespace llmsweep

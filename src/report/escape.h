// Text from outside, made safe for where it goes. Private to report/.
//
// Each first passes base's printable(): controls, escape sequences, bidirectional overrides and
// invalid UTF-8 become visible text, and what is longer than `limit` bytes is cut with "…".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmsweep::report {

// For text and quoted attributes of XML and HTML.
std::string markup(std::string_view text, size_t limit = 200);
// For a cell or a sentence of GitHub's Markdown: no markup, no cell or line break, no mention.
std::string markdown(std::string_view text, size_t limit = 200);
// A field of RFC 4180, quoted where needed; a leading =, +, -, @ or control gets a ' before it.
std::string csv_text(std::string_view text, size_t limit = 1000);
// JSON inside <script>: '<', '>', '&' and U+2028/2029 inside strings become \uXXXX. The same value.
std::string script_json(std::string_view json);

}  // namespace llmsweep::report

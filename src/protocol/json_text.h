// Texts as JSON spells them, between their quotes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmsweep {

// The length of the escape that `text` begins with; 0 where it is none of JSON's.
size_t escape_length(std::string_view text);

// Of a text whose escapes are valid: its bytes, and themselves. Halves of characters that stand
// alone become U+FFFD.
size_t unescaped_size(std::string_view text);
void append_unescaped(std::string& out, std::string_view text);

}  // namespace llmsweep

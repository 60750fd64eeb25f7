// Character classes, of Unicode 14, and normal forms, of Unicode 9, as Hugging Face's library has
// them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsweep {

struct Character {
  int32_t code = 0;
  size_t bytes = 1;
};
// The character at `at` of valid UTF-8.
Character character_at(std::string_view text, size_t at);

bool is_number(int32_t code);       // Nd, Nl, No
bool is_punctuation(int32_t code);  // P*, and all ASCII punctuation
bool is_white_space(int32_t code);
// Letters, marks, decimal digits, connectors and joiners: what \w matches.
bool is_word(int32_t code);
bool is_symbol(int32_t code);  // neither \w nor white space

// Bytes of the extended grapheme cluster that valid UTF-8 begins with; 0: there is no text.
size_t grapheme_bytes(std::string_view text);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
// `text` is valid UTF-8. Takes linear time (n log n in a run of combining marks).
std::string normalize(std::string_view text, NormalForm form);

}  // namespace llmsweep

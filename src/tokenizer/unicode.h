// Character classes and normal forms. Pure; unassigned and later than Unicode 14 is "other".
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
bool is_word(int32_t code);  // letters, marks, decimal digits, connectors

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
// `text` is valid UTF-8. Takes linear time (n log n in a run of combining marks).
std::string normalize(std::string_view text, NormalForm form);

}  // namespace llmsweep

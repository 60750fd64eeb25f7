// The alphabet in which byte-level vocabularies are written: one printable character a byte, the
// same as in GPT-2 (space is Ġ, newline Ċ).
#pragma once

#include <string>
#include <string_view>

namespace llmsweep {

// Appends the bytes that `text` stands for. False (with `bytes` as it was) where a character is not
// of the alphabet.
bool append_bytes_of(std::string_view text, std::string& bytes);
// Appends the characters that stand for `bytes`.
void append_alphabet_of(std::string_view bytes, std::string& text);

}  // namespace llmsweep

#include "tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

namespace llmsweep {

namespace {

constexpr uint32_t kCharacters = 0x144;  // the alphabet lies in U+0021 … U+0143

struct Tables {
  std::array<uint16_t, 256> character{};
  std::array<int16_t, kCharacters> byte{};
};

constexpr Tables make_tables() {
  Tables tables;
  tables.byte.fill(-1);
  uint16_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    uint16_t character = printable ? static_cast<uint16_t>(b) : next++;
    tables.character[b] = character;
    tables.byte[character] = static_cast<int16_t>(b);
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

bool append_bytes_of(std::string_view text, std::string& bytes) {
  size_t old = bytes.size();
  for (size_t i = 0; i < text.size();) {
    uint32_t character = static_cast<unsigned char>(text[i++]);
    if (character >= 0x80) {
      // Nothing of the alphabet needs more than two bytes.
      bool two = (character & 0xE0) == 0xC0 && i < text.size();
      character = two ? (character & 0x1F) << 6 | (static_cast<unsigned char>(text[i++]) & 0x3F)
                      : kCharacters;
    }
    int16_t byte = character < kCharacters ? kTables.byte[character] : int16_t{-1};
    if (byte < 0) {
      bytes.resize(old);
      return false;
    }
    bytes += static_cast<char>(byte);
  }
  return true;
}

void append_alphabet_of(std::string_view bytes, std::string& text) {
  for (char c : bytes) {
    uint16_t character = kTables.character[static_cast<unsigned char>(c)];
    if (character < 0x80) {
      text += static_cast<char>(character);
    } else {
      text += static_cast<char>(0xC0 | character >> 6);
      text += static_cast<char>(0x80 | (character & 0x3F));
    }
  }
}

}  // namespace llmsweep

#include "protocol/json_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace llmsweep {
namespace {

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// Of an escape "\u1234".
uint32_t unit_of(std::string_view escape) {
  uint32_t unit = 0;
  std::from_chars(escape.data() + 2, escape.data() + 6, unit, 16);
  return unit;
}

bool is_high_half(uint32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low_half(uint32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

struct Character {
  uint32_t code;
  size_t length;  // of its escape, or of both
};
Character character_at(std::string_view text) {
  constexpr uint32_t kReplacement = 0xfffd;
  const uint32_t unit = unit_of(text);
  if (is_low_half(unit)) return {kReplacement, 6};
  if (!is_high_half(unit)) return {unit, 6};
  const std::string_view rest = text.substr(6);
  if (rest.starts_with("\\u") && escape_length(rest) == 6) {
    const uint32_t low = unit_of(rest);
    if (is_low_half(low)) return {0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), 12};
  }
  return {kReplacement, 6};
}

size_t utf8_size(uint32_t code) {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto continued = [&](int shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  switch (utf8_size(code)) {
    case 1:
      out += static_cast<char>(code);
      return;
    case 2:
      out += static_cast<char>(0xc0 | (code >> 6));
      break;
    case 3:
      out += static_cast<char>(0xe0 | (code >> 12));
      continued(6);
      break;
    default:
      out += static_cast<char>(0xf0 | (code >> 18));
      continued(12);
      continued(6);
  }
  continued(0);
}

char plain_escape(char named) {
  constexpr std::string_view kNames = "bfnrt";
  constexpr std::string_view kValues = "\b\f\n\r\t";
  const size_t at = kNames.find(named);
  return at == std::string_view::npos ? named : kValues[at];
}

}  // namespace

size_t escape_length(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') return std::string_view("\"\\/bfnrt").find(text[1]) < 8 ? 2 : 0;
  if (text.size() < 6) return 0;
  return std::all_of(text.begin() + 2, text.begin() + 6, is_hex_digit) ? 6 : 0;
}

size_t unescaped_size(std::string_view text) {
  size_t size = text.size();
  for (size_t at = text.find('\\'); at != std::string_view::npos;) {
    if (text[at + 1] == 'u') {
      const Character character = character_at(text.substr(at));
      size -= character.length - utf8_size(character.code);
      at += character.length;
    } else {
      --size;
      at += 2;
    }
    at = text.find('\\', at);
  }
  return size;
}

void append_unescaped(std::string& out, std::string_view text) {
  size_t from = 0;
  for (size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', from)) {
    out += text.substr(from, at - from);
    if (text[at + 1] == 'u') {
      const Character character = character_at(text.substr(at));
      append_utf8(out, character.code);
      from = at + character.length;
    } else {
      out += plain_escape(text[at + 1]);
      from = at + 2;
    }
  }
  out += text.substr(from);
}

}  // namespace llmsweep

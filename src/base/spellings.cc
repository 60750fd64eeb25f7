#include "base/spellings.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace llmsweep {
namespace {

constexpr int kLayers = 4;
constexpr std::string_view kEscapes = "\\%&";
constexpr uint32_t kNone = 0xffffffff;

struct Escape {
  size_t length = 0;  // in the text; 0: no escape stands here
  uint32_t character = kNone;
  bool cut = false;  // the text ends inside of it
};

// HTML's names of ASCII characters, and of those that they stand in for.
constexpr std::array<std::pair<std::string_view, char>, 40> kEntities = {
    {{"amp", '&'},    {"lt", '<'},       {"gt", '>'},     {"quot", '"'},     {"apos", '\''},
     {"plus", '+'},   {"sol", '/'},      {"equals", '='}, {"num", '#'},      {"lowbar", '_'},
     {"period", '.'}, {"comma", ','},    {"colon", ':'},  {"semi", ';'},     {"commat", '@'},
     {"excl", '!'},   {"dollar", '$'},   {"percnt", '%'}, {"lpar", '('},     {"rpar", ')'},
     {"ast", '*'},    {"midast", '*'},   {"quest", '?'},  {"lsqb", '['},     {"lbrack", '['},
     {"bsol", '\\'},  {"rsqb", ']'},     {"rbrack", ']'}, {"Hat", '^'},      {"grave", '`'},
     {"lcub", '{'},   {"lbrace", '{'},   {"rcub", '}'},   {"rbrace", '}'},   {"verbar", '|'},
     {"vert", '|'},   {"UnderBar", '_'}, {"Tab", '\t'},   {"NewLine", '\n'}, {"nbsp", ' '}}};

uint32_t digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A' + 10);
  return kNone;
}

// As many digits as there are from `from` on, `most` of them at most.
std::pair<size_t, uint32_t> number_at(std::string_view text, size_t from, size_t most,
                                      uint32_t base) {
  uint32_t value = 0;
  size_t count = 0;
  while (count < most && from + count < text.size()) {
    const uint32_t digit = digit_of(text[from + count]);
    if (digit >= base) break;
    value = value * base + digit;
    ++count;
  }
  return {count, value};
}

// `digits` hexadecimal digits behind a prefix of `prefix` bytes.
Escape hex_escape(std::string_view text, size_t prefix, size_t digits) {
  const auto [count, value] = number_at(text, prefix, digits, 16);
  if (count == digits) return {.length = prefix + digits, .character = value};
  return {.cut = prefix + count == text.size()};
}

Escape braced_escape(std::string_view text) {  // \u{2b}
  const auto [count, value] = number_at(text, 3, 6, 16);
  if (3 + count == text.size()) return {.cut = true};
  if (count == 0 || text[3 + count] != '}') return {};
  return {.length = count + 4, .character = value};
}

// A surrogate and the escape of its other half.
Escape paired(std::string_view text, Escape high) {
  if (high.length != 6 || high.character < 0xd800 || high.character > 0xdbff) return high;
  const std::string_view rest = text.substr(6);
  if (rest.empty() || rest == "\\") return {.cut = true};
  if (!rest.starts_with("\\u")) return high;
  const Escape low = hex_escape(rest, 2, 4);
  if (low.cut) return low;
  if (low.length == 0 || low.character < 0xdc00 || low.character > 0xdfff) return high;
  return {.length = 12,
          .character = 0x10000 + ((high.character - 0xd800) << 10) + (low.character - 0xdc00)};
}

Escape backslash(std::string_view text) {
  if (text.size() == 1) return {.cut = true};
  const char c = text[1];
  switch (c) {
    case 'u':
      if (text.substr(2, 1) == "{") return braced_escape(text);
      return paired(text, hex_escape(text, 2, 4));
    case 'U':
      return hex_escape(text, 2, 8);
    case 'x':
      return hex_escape(text, 2, 2);
    case 'n':
      return {.length = 2, .character = '\n'};
    case 't':
      return {.length = 2, .character = '\t'};
    case 'r':
      return {.length = 2, .character = '\r'};
    case 'b':
      return {.length = 2, .character = '\b'};
    case 'f':
      return {.length = 2, .character = '\f'};
    default:
      break;
  }
  const auto [count, value] = number_at(text, 1, 3, 8);
  if (count == 3 && value < 0x80) return {.length = 4, .character = value};
  const bool punctuation = c > ' ' && c < 0x7f && digit_of(c) == kNone && !(c >= 'a' && c <= 'z') &&
                           !(c >= 'A' && c <= 'Z');
  if (punctuation) return {.length = 2, .character = static_cast<unsigned char>(c)};
  return {};
}

Escape percent(std::string_view text) {
  if (text.size() == 1) return {.cut = true};
  if (text[1] == 'u') return hex_escape(text, 2, 4);
  return hex_escape(text, 1, 2);
}

Escape entity(std::string_view text) {
  if (text.size() == 1) return {.cut = true};
  if (text[1] == '#') {
    const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
    const size_t prefix = hex ? 3 : 2;
    const auto [count, value] = number_at(text, prefix, 8, hex ? 16 : 10);
    if (prefix + count >= text.size()) return {.cut = true};
    if (count == 0) return {};
    const size_t semicolon = text[prefix + count] == ';' ? 1 : 0;
    return {.length = prefix + count + semicolon, .character = value};
  }
  const std::string_view rest = text.substr(1);
  bool cut = false;
  for (const auto& [name, character] : kEntities) {
    cut |= rest.size() < name.size() + 1 && name.starts_with(rest.substr(0, name.size()));
    if (rest.starts_with(name) && rest.substr(name.size(), 1) == ";") {
      return {.length = name.size() + 2, .character = static_cast<unsigned char>(character)};
    }
  }
  return {.cut = cut};
}

Escape escape_at(std::string_view text) {
  switch (text.front()) {
    case '\\':
      return backslash(text);
    case '%':
      return percent(text);
    case '&':
      return entity(text);
    default:
      return {};
  }
}

// A character over 0x7f of \x or %: a byte of a longer one.
void append_character(std::string& text, uint32_t c, bool byte) {
  const auto tail = [&](uint32_t bits) { text += static_cast<char>(0x80 | (bits & 0x3f)); };
  if (c < 0x80 || (byte && c < 0x100)) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xc0 | (c >> 6));
    tail(c);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0 | (c >> 12));
    tail(c >> 6);
    tail(c);
  } else {
    text += static_cast<char>(0xf0 | ((c >> 18) & 7));
    tail(c >> 12);
    tail(c >> 6);
    tail(c);
  }
}

// `from` with one layer undone; empty spans where there is none to undo.
Reading undo_layer(const Reading& from) {
  Reading reading;
  const std::string_view text = from.text;
  if (text.find_first_of(kEscapes) == std::string_view::npos) return reading;
  reading.text.reserve(text.size());
  reading.spans.reserve(text.size());
  bool changed = false;
  for (size_t at = 0; at < text.size();) {
    const Escape escape = escape_at(text.substr(at));
    if (escape.cut) {
      changed = true;
      break;
    }
    const size_t length = std::max<size_t>(escape.length, 1);
    if (escape.length == 0) {
      reading.text += text[at];
    } else {
      const bool byte = length == 3 || text.substr(at, 2) == "\\x";
      append_character(reading.text, escape.character, byte);
      changed = true;
    }
    reading.spans.resize(reading.text.size(),
                         {from.span(at).first, from.span(at + length - 1).second});
    at += length;
  }
  if (!changed) reading.spans.clear();
  return reading;
}

}  // namespace

std::vector<Reading> readings_of(std::string_view text) {
  std::vector<Reading> readings;
  readings.push_back({.text = std::string(text)});
  for (int layer = 0; layer < kLayers && !readings.back().text.empty(); ++layer) {
    Reading next = undo_layer(readings.back());
    if (next.spans.empty()) break;
    readings.push_back(std::move(next));
  }
  return readings;
}

}  // namespace llmsweep

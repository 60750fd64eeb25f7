#include "base/spellings.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace llmsweep {
namespace {

constexpr int kLayers = 4;
constexpr std::string_view kEscapes = "\\%&";
constexpr size_t kFewestListed = 8;
constexpr uint32_t kNone = 0xffffffff;

// Letters and digits of ASCII in lower case, 0 for any other byte.
constexpr std::array<char, 256> kFolded = [] {
  std::array<char, 256> folded{};
  for (char c = 'a'; c <= 'z'; ++c) folded[static_cast<size_t>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) folded[static_cast<size_t>(c)] = static_cast<char>(c + 32);
  for (char c = '0'; c <= '9'; ++c) folded[static_cast<size_t>(c)] = c;
  return folded;
}();

struct Escape {
  size_t length = 0;  // in the text; 0: no escape stands here
  uint32_t character = kNone;
  bool cut = false;  // the text ends inside of it
};

// HTML's names of ASCII characters, and of those that they stand in for.
constexpr std::array<std::pair<std::string_view, char>, 42> kEntities = {
    {{"amp", '&'},    {"lt", '<'},       {"gt", '>'},     {"quot", '"'},     {"apos", '\''},
     {"plus", '+'},   {"sol", '/'},      {"equals", '='}, {"num", '#'},      {"lowbar", '_'},
     {"period", '.'}, {"comma", ','},    {"colon", ':'},  {"semi", ';'},     {"commat", '@'},
     {"excl", '!'},   {"dollar", '$'},   {"percnt", '%'}, {"lpar", '('},     {"rpar", ')'},
     {"ast", '*'},    {"midast", '*'},   {"quest", '?'},  {"lsqb", '['},     {"lbrack", '['},
     {"bsol", '\\'},  {"rsqb", ']'},     {"rbrack", ']'}, {"Hat", '^'},      {"grave", '`'},
     {"lcub", '{'},   {"lbrace", '{'},   {"rcub", '}'},   {"rbrace", '}'},   {"verbar", '|'},
     {"vert", '|'},   {"UnderBar", '_'}, {"Tab", '\t'},   {"NewLine", '\n'}, {"nbsp", ' '},
     {"hyphen", '-'}, {"dash", '-'}}};

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

Escape css_escape(std::string_view text) {  // "\\00002b "
  const auto [count, value] = number_at(text, 1, 6, 16);
  if (count < 6 || !text.substr(1).starts_with("00")) return {};
  return {.length = text.substr(7, 1) == " " ? size_t{8} : size_t{7}, .character = value};
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
      if (text.substr(2, 1) == "{") return braced_escape(text);
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
  if (const Escape css = css_escape(text); css.length > 0) return css;
  for (const size_t most : {3, 2, 1}) {
    const auto [count, value] = number_at(text, 1, most, 8);
    if (count > 0 && value < 0x80) return {.length = count + 1, .character = value};
  }
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
    size_t prefix = hex ? 3 : 2;
    while (text.substr(prefix, 2).starts_with("00")) ++prefix;
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
    if (rest.size() > name.size() && rest.starts_with(name)) {  // as a browser, also without ";"
      const size_t semicolon = rest[name.size()] == ';' ? 1 : 0;
      return {.length = name.size() + 1 + semicolon,
              .character = static_cast<unsigned char>(character)};
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
TextReading undo_layer(const TextReading& from) {
  TextReading reading;
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

// A number of a list, as in "0x73, 0x6b", "73:6b", "=73=6B", "U+0073" or "115, 107".
struct Listed {
  size_t length = 0;  // with what stands before it and behind; 0: no number stands here
  uint32_t value = 0;
};

Listed listed_at(std::string_view text, uint32_t base) {
  if (digit_of(text.front()) == kNone &&
      std::string_view("Uu=x").find(text.front()) == std::string_view::npos) {
    return {};
  }
  size_t prefix = 0;
  size_t digits = base == 16 ? 2 : 3;
  if (base == 16) {
    for (const std::string_view begin : {"0x", "0X", "U+00", "u+00", "=", "x"}) {
      if (text.starts_with(begin)) prefix = std::max(prefix, begin.size());
    }
  }
  const auto [count, value] = number_at(text, prefix, digits, base);
  size_t length = prefix + count;
  const size_t behind = length;
  while (length < text.size() &&
         std::string_view(" ,:;-\n").find(text[length]) != std::string_view::npos) {
    ++length;
  }
  const bool ends = base == 16 ? count == 2 : count > 1 && value < 0x80 && length > behind;
  const bool last = base == 10 && count > 1 && value < 0x80 &&
                    digit_of(text.substr(behind, 1).empty() ? 'x' : text[behind]) == kNone;
  if (!ends && !last) return {};
  return {.length = length, .value = value};
}

}  // namespace

std::vector<TextReading> readings_of(std::string_view text) {
  std::vector<TextReading> readings;
  readings.push_back({.text = std::string(text)});
  for (int layer = 0; layer < kLayers && !readings.back().text.empty(); ++layer) {
    TextReading next = undo_layer(readings.back());
    if (next.spans.empty()) break;
    readings.push_back(std::move(next));
  }
  return readings;
}

bool may_list_numbers(std::string_view text) {
  size_t ends = 0;
  for (size_t i = 1; i < text.size() && ends + 1 < kFewestListed; ++i) {
    if (kFolded[static_cast<unsigned char>(text[i])] == '\0' && digit_of(text[i - 1]) != kNone)
      ++ends;
  }
  return ends + 1 >= kFewestListed;
}

TextReading listed_numbers(const TextReading& from, uint32_t base) {
  TextReading reading;
  const std::string_view text = from.text;
  for (size_t at = 0; at < text.size();) {
    const size_t begun = reading.text.size();
    size_t next = at;
    while (next < text.size()) {
      const Listed listed = listed_at(text.substr(next), base);
      if (listed.length == 0) break;
      reading.text += static_cast<char>(listed.value);
      reading.spans.emplace_back(from.span(next).first, from.span(next + listed.length - 1).second);
      next += listed.length;
    }
    if (reading.text.size() - begun < kFewestListed) {
      reading.text.resize(begun);
      reading.spans.resize(begun);
      next = at + 1;
    }
    at = next;
  }
  return reading;
}

std::string folded_letters(std::string_view text) {
  std::string letters(text.size(), '\0');
  size_t size = 0;
  for (const char c : text) {
    const char letter = kFolded[static_cast<unsigned char>(c)];
    letters[size] = letter;
    size += letter == '\0' ? 0 : 1;
  }
  letters.resize(size);
  return letters;
}

TextReading folded_letters(const TextReading& from) {
  TextReading reading{.text = folded_letters(std::string_view(from.text)), .spans = {}};
  for (size_t at = 0; at < from.text.size(); ++at) {
    if (kFolded[static_cast<unsigned char>(from.text[at])] != '\0') {
      reading.spans.push_back(from.span(at));
    }
  }
  return reading;
}

}  // namespace llmsweep

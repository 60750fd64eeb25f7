#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace llmsweep {

namespace {

using Codes = std::vector<utf8proc_int32_t>;

struct CodeRange {
  utf8proc_int32_t first;
  utf8proc_int32_t last;
};
// Characters since Unicode 9 that decompose, combine or compose. Hugging Face's library has that
// version's normal forms: it leaves them as they are.
constexpr CodeRange kLater[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},
    {0xC3C, 0xC3C},     {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},
    {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},   {0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},
    {0xA82C, 0xA82C},   {0xAB69, 0xAB69},   {0x10781, 0x10785}, {0x10787, 0x107B0},
    {0x107B2, 0x107BA}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10F46, 0x10F50},
    {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E},
    {0x11839, 0x1183A}, {0x11930, 0x11930}, {0x11938, 0x11938}, {0x1193D, 0x1193E},
    {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47},
    {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97},
    {0x16FF0, 0x16FF1}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF},
    {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9}};

bool is_later(utf8proc_int32_t code) {
  if (code < kLater[0].first) return false;
  const auto* range =
      std::lower_bound(std::begin(kLater), std::end(kLater), code,
                       [](const CodeRange& r, utf8proc_int32_t c) { return r.last < c; });
  return range != std::end(kLater) && range->first <= code;
}

int combining_class(utf8proc_int32_t code) {
  if (is_later(code)) return 0;
  return utf8proc_get_property(code)->combining_class;
}

void append_decomposed(std::string_view text, int options, Codes& codes) {
  for (size_t i = 0; i < text.size();) {
    Character c = character_at(text, i);
    i += c.bytes;
    if (is_later(c.code)) {
      codes.push_back(c.code);
      continue;
    }
    utf8proc_int32_t out[64];
    int last_boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        c.code, out, 64, static_cast<utf8proc_option_t>(options), &last_boundary);
    if (n < 0 || n > 64) {
      codes.push_back(c.code);
    } else {
      codes.insert(codes.end(), out, out + n);
    }
  }
}

// Canonical order: marks of each run by class, equal ones as they stood. (The library's own
// ordering takes quadratic time.)
void order_marks(Codes& codes) {
  for (size_t i = 0; i < codes.size();) {
    if (combining_class(codes[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < codes.size() && combining_class(codes[end]) != 0) ++end;
    std::stable_sort(codes.begin() + static_cast<ptrdiff_t>(i),
                     codes.begin() + static_cast<ptrdiff_t>(end),
                     [](utf8proc_int32_t a, utf8proc_int32_t b) {
                       return combining_class(a) < combining_class(b);
                     });
    i = end;
  }
}

void compose_in_place(Codes& codes, int options) {
  size_t kept = 0;
  for (size_t begin = 0; begin < codes.size();) {
    const auto from = codes.begin() + static_cast<ptrdiff_t>(begin);
    auto n = std::find_if(from, codes.end(), is_later) - from;
    begin += static_cast<size_t>(n);
    if (n > 0) {
      n = utf8proc_normalize_utf32(&*from, n, static_cast<utf8proc_option_t>(options));
      std::copy_n(from, n, codes.begin() + static_cast<ptrdiff_t>(kept));
      kept += static_cast<size_t>(n);
    }
    if (begin < codes.size()) codes[kept++] = codes[begin++];
  }
  codes.resize(kept);
}

}  // namespace

Character character_at(std::string_view text, size_t at) {
  utf8proc_int32_t code = 0;
  auto bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
  if (*bytes < 0x80) return {.code = *bytes, .bytes = 1};
  utf8proc_ssize_t n =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &code);
  if (n < 1) return {.code = 0xFFFD, .bytes = 1};
  return {.code = code, .bytes = static_cast<size_t>(n)};
}

bool is_number(int32_t code) {
  int category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(int32_t code) {
  if (code < 0x80) {
    return (code >= '!' && code <= '/') || (code >= ':' && code <= '@') ||
           (code >= '[' && code <= '`') || (code >= '{' && code <= '~');
  }
  int category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_white_space(int32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  if (code == 0x85) return true;
  int category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
}

bool is_word(int32_t code) {
  const bool joins = code == 0x200C || code == 0x200D;
  // Letters in circles and squares: symbols that are alphabetic.
  const bool encircled =
      (code >= 0x24B6 && code <= 0x24E9) || (code >= 0x1F130 && code <= 0x1F149) ||
      (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
  int category = utf8proc_category(code);
  return joins || encircled ||
         (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ND) ||
         category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC;
}

bool is_symbol(int32_t code) {
  return !is_word(code) && !is_white_space(code);
}

std::string normalize(std::string_view text, NormalForm form) {
  // Nothing below U+0300 changes under NFC, and no ASCII under any form.
  unsigned char least = form == NormalForm::kNfc ? 0xCC : 0x80;
  bool plain = std::none_of(text.begin(), text.end(),
                            [&](char c) { return static_cast<unsigned char>(c) >= least; });
  if (plain) return std::string(text);
  bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  bool compose = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  Codes codes;
  codes.reserve(text.size());
  append_decomposed(text, options, codes);
  order_marks(codes);
  if (compose) {
    compose_in_place(codes,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  }
  std::string out;
  out.reserve(text.size());
  for (const utf8proc_int32_t code : codes) {
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(code, bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
  }
  return out;
}

size_t grapheme_bytes(std::string_view text) {
  if (text.empty()) return 0;
  Character left = character_at(text, 0);
  size_t bytes = left.bytes;
  utf8proc_int32_t state = 0;
  while (bytes < text.size()) {
    const Character right = character_at(text, bytes);
    if (utf8proc_grapheme_break_stateful(left.code, right.code, &state)) break;
    bytes += right.bytes;
    left = right;
  }
  return bytes;
}

}  // namespace llmsweep

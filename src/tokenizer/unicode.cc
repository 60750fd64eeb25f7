#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

namespace llmsweep {

namespace {

using Codes = std::vector<utf8proc_int32_t>;

int combining_class(utf8proc_int32_t code) {
  return utf8proc_get_property(code)->combining_class;
}

void append_decomposed(std::string_view text, int options, Codes& codes) {
  for (size_t i = 0; i < text.size();) {
    Character c = character_at(text, i);
    utf8proc_int32_t out[64];
    int last_boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        c.code, out, 64, static_cast<utf8proc_option_t>(options), &last_boundary);
    if (n < 0 || n > 64) {
      codes.push_back(c.code);
    } else {
      codes.insert(codes.end(), out, out + n);
    }
    i += c.bytes;
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
  int category = utf8proc_category(code);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ND) ||
         category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC;
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
  auto n = static_cast<utf8proc_ssize_t>(codes.size());
  if (compose) {
    int composing = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    n = utf8proc_normalize_utf32(codes.data(), n, static_cast<utf8proc_option_t>(composing));
  }
  std::string out;
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < n; ++i) {
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(codes[static_cast<size_t>(i)], bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
  }
  return out;
}

}  // namespace llmsweep

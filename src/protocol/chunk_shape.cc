#include "protocol/chunk_shape.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace llmsweep {
namespace {

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxDigits = 12;
// Where no chunk resembles the one before (log probabilities, say) learning is given up.
constexpr int kMaxUnused = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// The length of the escape that `text` begins with; 0 where it is none of JSON's.
size_t escape_length(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') return std::string_view("\"\\/bfnrt").find(text[1]) < 8 ? 2 : 0;
  if (text.size() < 6) return 0;
  return std::all_of(text.begin() + 2, text.begin() + 6, is_hex) ? 6 : 0;
}

// What stands for itself within a text.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < plain.size(); ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Where the text that begins at `at` ends: at its closing quote, or at what no text may hold.
size_t end_of_text(std::string_view payload, size_t at) {
  while (true) {
    while (at < payload.size() && kPlain[static_cast<unsigned char>(payload[at])]) ++at;
    if (at == payload.size() || payload[at] != '\\') return at;
    const size_t length = escape_length(payload.substr(at));
    if (length == 0) return at;
    at += length;
  }
}

size_t end_of_digits(std::string_view payload, size_t at) {
  while (at < payload.size() && is_digit(payload[at])) ++at;
  return at;
}

bool is_plain_number(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits && (text.size() == 1 || text[0] != '0') &&
         std::all_of(text.begin(), text.end(), is_digit);
}

// Of printable ASCII without escapes: read as it stands.
bool is_verbatim(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
}

int64_t number_of(std::string_view digits) {
  int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// The bits in which eight bytes differ.
uint64_t difference(const char* a, const char* b) {
  uint64_t of_a = 0;
  uint64_t of_b = 0;
  std::memcpy(&of_a, a, sizeof(of_a));
  std::memcpy(&of_b, b, sizeof(of_b));
  return of_a ^ of_b;
}

size_t common_prefix(std::string_view a, std::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t);
  const size_t size = std::min(a.size(), b.size());
  size_t at = 0;
  for (; at + 4 * kWord <= size; at += 4 * kWord) {
    const char* const in_a = a.data() + at;
    const char* const in_b = b.data() + at;
    if ((difference(in_a, in_b) | difference(in_a + kWord, in_b + kWord) |
         difference(in_a + 2 * kWord, in_b + 2 * kWord) |
         difference(in_a + 3 * kWord, in_b + 3 * kWord)) != 0) {
      break;
    }
  }
  while (at + kWord <= size && difference(a.data() + at, b.data() + at) == 0) at += kWord;
  while (at < size && a[at] == b[at]) ++at;
  return at;
}

}  // namespace

void ChunkShape::learn(std::string_view payload, const Chunk& chunk, const ChunkKeys& keys) {
  const bool repeats = (chunk.answer || chunk.other_output) && chunk.finish_reason.empty() &&
                       !chunk.error && !chunk.server_prefill_us && !chunk.server_decode_us;
  if (!repeats || payload.size() > kMaxText || unused_ >= kMaxUnused) return;
  ++unused_;
  if (!find_values(payload, chunk, keys)) return;
  text_ = payload;
  values_.swap(found_);
  chunk_ = chunk;
  chunk_.id = {};
}

// False where it is not sure what each value is.
bool ChunkShape::find_values(std::string_view payload, const Chunk& chunk, const ChunkKeys& keys) {
  found_.clear();
  std::string_view key;
  for (size_t at = 0; at < payload.size();) {
    const size_t begin = at;
    if (payload[at] == '"') {
      const size_t end = end_of_text(payload, at + 1);
      if (end >= payload.size() || payload[end] != '"') return false;
      at = payload.find_first_not_of(" \t\r\n", end + 1);
      if (at != std::string_view::npos && payload[at] == ':') {
        key = payload.substr(begin + 1, end - begin - 1);
        if (!is_verbatim(key)) return false;
      } else {
        add_value(payload, begin + 1, end, key, keys);
        at = end + 1;
      }
    } else if (is_digit(payload[at]) || payload[at] == '-') {
      at = std::min(payload.find_first_not_of("0123456789+-.eE", at), payload.size());
      add_value(payload, begin, at, key, keys);
    } else {
      ++at;
    }
  }
  const auto stands_once = [&](Role role, bool wanted, const auto& says) {
    const auto has_role = [role](const Value& value) { return value.role == role; };
    const auto first = std::find_if(found_.begin(), found_.end(), has_role);
    if (first == found_.end() || !wanted) return !wanted && first == found_.end();
    return says(payload.substr(first->begin, first->end - first->begin)) &&
           std::count_if(first, found_.end(), has_role) == 1;
  };
  const auto is_count = [&](Role role, const std::optional<int64_t>& count) {
    return stands_once(role, count.has_value(),
                       [&](std::string_view text) { return number_of(text) == *count; });
  };
  return is_count(Role::kPromptTokens, chunk.prompt_tokens) &&
         is_count(Role::kCompletionTokens, chunk.completion_tokens) &&
         is_count(Role::kCachedTokens, chunk.cached_tokens) &&
         stands_once(Role::kId, !chunk.id.empty(),
                     [&](std::string_view text) { return text == chunk.id; });
}

// A text is given without its quotes.
void ChunkShape::add_value(std::string_view payload, size_t begin, size_t end, std::string_view key,
                           const ChunkKeys& keys) {
  const std::string_view text = payload.substr(begin, end - begin);
  Value value{.begin = begin, .end = end, .number = payload[end] != '"', .role = Role::kNone};
  if (value.number) {
    if (!is_plain_number(text)) return;
    if (key == keys.prompt_tokens) value.role = Role::kPromptTokens;
    if (key == keys.completion_tokens) value.role = Role::kCompletionTokens;
    if (key == keys.cached_tokens) value.role = Role::kCachedTokens;
  } else {
    const bool meaningful =
        std::find(keys.meaningful.begin(), keys.meaningful.end(), key) != keys.meaningful.end();
    if (text.empty() || meaningful) return;
    if (key == keys.id) value.role = Role::kId;
  }
  found_.push_back(value);
}

bool ChunkShape::read(std::string_view payload, Chunk& chunk) {
  if (text_.empty()) return false;
  chunk = chunk_;
  const std::string_view text = text_;
  auto value = values_.begin();
  size_t at = 0;  // in text
  size_t to = 0;  // in payload
  const auto take_equal_before = [&](size_t end) {
    for (; value != values_.end() && value->end < end; ++value) {
      if (value->role == Role::kId) {
        take(*value, payload.substr(value->begin + to - at, value->end - value->begin), chunk);
      }
    }
  };
  for (;;) {
    const size_t same = common_prefix(text.substr(at), payload.substr(to));
    at += same;
    to += same;
    take_equal_before(at);
    if (at == text.size() && to == payload.size()) break;
    if (value == values_.end() || at < value->begin) return false;
    const size_t begin = value->begin + to - at;
    to = value->number ? end_of_digits(payload, begin) : end_of_text(payload, begin);
    const std::string_view found = payload.substr(begin, to - begin);
    if (found.empty() || (value->number && !is_plain_number(found))) return false;
    if (value->role == Role::kId && !is_verbatim(found)) return false;
    take(*value, found, chunk);
    at = value->end;
    ++value;
  }
  unused_ = 0;
  return true;
}

void ChunkShape::take(const Value& value, std::string_view found, Chunk& chunk) {
  switch (value.role) {
    case Role::kNone:
      return;
    case Role::kId:
      chunk.id = found;
      return;
    case Role::kPromptTokens:
      chunk.prompt_tokens = number_of(found);
      return;
    case Role::kCompletionTokens:
      chunk.completion_tokens = number_of(found);
      return;
    case Role::kCachedTokens:
      chunk.cached_tokens = number_of(found);
      return;
  }
}

}  // namespace llmsweep

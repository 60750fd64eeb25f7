#include "protocol/chunk_shape.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "protocol/json_text.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxDigits = 12;
// Where no chunk resembles the one before (log probabilities, say) learning is given up.
constexpr int kMaxUnused = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What stands for itself within a text.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < plain.size(); ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Where the text that begins at `at` ends: at its closing quote, or at what no text may hold.
size_t end_of_text(std::string_view payload, size_t at, bool& escaped) {
  while (true) {
    while (at < payload.size() && kPlain[static_cast<unsigned char>(payload[at])]) ++at;
    if (at == payload.size() || payload[at] != '\\') return at;
    const size_t length = escape_length(payload.substr(at));
    if (length == 0) return at;
    escaped = true;
    at += length;
  }
}

struct PlainNumber {
  size_t end;  // of its digits
  std::optional<int64_t> value;
};

// The digits that begin at `at`. No value: they are no number without a sign of up to kMaxDigits.
PlainNumber plain_number(std::string_view payload, size_t at) {
  const size_t begin = at;
  uint64_t value = 0;
  for (; at < payload.size() && is_digit(payload[at]); ++at) {
    value = 10 * value + static_cast<uint64_t>(payload[at] - '0');
  }
  const size_t digits = at - begin;
  const bool plain = digits == 1 || (digits > 1 && digits <= kMaxDigits && payload[begin] != '0');
  return {at, plain ? std::optional(static_cast<int64_t>(value)) : std::nullopt};
}

// Of printable ASCII without escapes: read as it stands.
bool is_verbatim(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
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

// Where a chunk's model stands in its text; any place where it has none. Absent where it is not
// written as it reads, as with escapes.
std::optional<size_t> place_of_model(std::string_view payload, const Chunk& chunk,
                                     const ChunkKeys& keys) {
  if (chunk.model.empty()) return 0;
  const std::string key = "\"" + std::string(keys.model) + "\"";
  const size_t named = payload.find(key);
  if (named == std::string_view::npos) return std::nullopt;
  const size_t at = payload.find(chunk.model, named + key.size());
  return at == std::string_view::npos ? std::nullopt : std::optional(at);
}

}  // namespace

void ChunkShape::learn(std::string_view payload, const Chunk& chunk, const ChunkKeys& keys) {
  const bool repeats = (chunk.answer || chunk.other_output) && chunk.finish_reason.empty() &&
                       !chunk.error && !chunk.server_prefill_us && !chunk.server_decode_us;
  if (!repeats || payload.size() > kMaxText || unused_ >= kMaxUnused) return;
  ++unused_;
  if (!find_values(payload, chunk, keys)) return;
  const std::optional<size_t> model = place_of_model(payload, chunk, keys);
  if (!model) return;
  text_ = payload;
  values_.swap(found_);
  chunk_ = chunk;
  chunk_.id = {};
  chunk_.answer_text = {};
  chunk_.other_text = {};
  // Its text is compared with every chunk's: it stays what it is.
  chunk_.model = std::string_view(text_).substr(*model, chunk.model.size());
}

// False where it is not sure what each value is.
bool ChunkShape::find_values(std::string_view payload, const Chunk& chunk, const ChunkKeys& keys) {
  found_.clear();
  std::string_view key;
  for (size_t at = 0; at < payload.size();) {
    const size_t begin = at;
    if (payload[at] == '"') {
      bool escaped = false;
      const size_t end = end_of_text(payload, at + 1, escaped);
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
  return find_texts(payload, chunk) && has_counts(chunk) &&
         (chunk.model.empty() || (is_verbatim(chunk.model) && !keys.model.empty()));
}

bool ChunkShape::find_texts(std::string_view payload, const Chunk& chunk) {
  const auto is_id = [](const Value& value) { return value.role == Role::kId; };
  const auto id = std::find_if(found_.begin(), found_.end(), is_id);
  if ((id == found_.end()) != chunk.id.empty()) return false;
  if (id != found_.end() && (payload.substr(id->begin, id->end - id->begin) != chunk.id ||
                             std::count_if(id, found_.end(), is_id) != 1)) {
    return false;
  }
  // The parser may have met several texts of one kind: it took the first.
  const auto find = [&](std::string_view said, Role role) {
    if (said.empty()) return true;
    const auto says = [&](const Value& value) {
      const std::string_view text = payload.substr(value.begin, value.end - value.begin);
      if (value.role != Role::kOutput || unescaped_size(text) != said.size()) return false;
      return text == said || text.find('\\') != std::string_view::npos;
    };
    const auto first = std::find_if(found_.begin(), found_.end(), says);
    if (first == found_.end()) return false;
    first->role = role;
    return true;
  };
  const bool found = find(chunk.answer_text, Role::kAnswer) && find(chunk.other_text, Role::kOther);
  for (Value& value : found_) {
    if (value.role == Role::kOutput) value.role = Role::kNone;
  }
  return found;
}

// Each count of the chunk stands in it once, under one of its names, and nothing else does.
bool ChunkShape::has_counts(const Chunk& chunk) const {
  size_t standing = 0;
  for (const Value& value : found_) {
    if (value.role != Role::kCount) continue;
    ++standing;
    if (chunk.*value.count != value.known) return false;
  }
  size_t wanted = 0;
  for (const auto count : {&Chunk::prompt_tokens, &Chunk::completion_tokens, &Chunk::total_tokens,
                           &Chunk::reasoning_tokens, &Chunk::cached_tokens}) {
    const auto is_it = [count](const Value& value) {
      return value.role == Role::kCount && value.count == count;
    };
    const auto times = std::count_if(found_.begin(), found_.end(), is_it);
    if (times > 1 || (times == 1) != (chunk.*count).has_value()) return false;
    wanted += static_cast<size_t>(times);
  }
  return standing == wanted;
}

// A text is given without its quotes.
void ChunkShape::add_value(std::string_view payload, size_t begin, size_t end, std::string_view key,
                           const ChunkKeys& keys) {
  const std::string_view text = payload.substr(begin, end - begin);
  const auto is_among = [key](std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), key) != names.end();
  };
  Value value{.begin = begin,
              .end = end,
              .number = payload[end] != '"',
              .role = Role::kNone,
              .count = nullptr,
              .escaped = text.find('\\') != std::string_view::npos};
  if (text.empty() || is_among(keys.meaningful)) return;
  if (value.number) {
    const PlainNumber number = plain_number(text, 0);
    if (number.end != text.size() || !number.value) return;
    const auto known = std::find_if(keys.counts.begin(), keys.counts.end(),
                                    [key](const CountKey& count) { return count.key == key; });
    if (known != keys.counts.end()) {
      value.role = Role::kCount;
      value.count = known->count;
      value.known = *number.value;
    }
  } else if (key == keys.id) {
    value.role = Role::kId;
  } else if (is_among(keys.output)) {
    value.role = Role::kOutput;
  }
  found_.push_back(value);
}

const Chunk* ChunkShape::read(std::string_view payload) {
  if (text_.empty()) return nullptr;
  chunk_.escaped = false;
  const std::string_view text = text_;
  auto value = values_.begin();
  size_t at = 0;  // in text
  size_t to = 0;  // in payload
  const auto take_equal_before = [&](size_t end) {
    for (; value != values_.end() && value->end < end; ++value) {
      if (value->role == Role::kCount) {
        chunk_.*value->count = value->known;
      } else if (value->role != Role::kNone) {
        take_text(*value, payload.substr(value->begin + to - at, value->end - value->begin),
                  value->escaped);
      }
    }
  };
  for (;;) {
    const size_t same = common_prefix(text.substr(at), payload.substr(to));
    at += same;
    to += same;
    take_equal_before(at);
    if (at == text.size() && to == payload.size()) break;
    if (value == values_.end() || at < value->begin) return nullptr;
    const size_t begin = value->begin + to - at;
    if (value->number) {
      const PlainNumber number = plain_number(payload, begin);
      if (!number.value) return nullptr;
      if (value->role == Role::kCount) chunk_.*value->count = number.value;
      to = number.end;
    } else {
      bool escaped = false;
      to = end_of_text(payload, begin, escaped);
      const std::string_view found = payload.substr(begin, to - begin);
      if (found.empty() || (value->role == Role::kId && !is_verbatim(found))) return nullptr;
      if (value->role != Role::kNone) take_text(*value, found, escaped);
    }
    at = value->end;
    ++value;
  }
  unused_ = 0;
  return &chunk_;
}

void ChunkShape::take_text(const Value& value, std::string_view found, bool escaped) {
  if (value.role == Role::kId) {
    chunk_.id = found;
    return;
  }
  (value.role == Role::kAnswer ? chunk_.answer_text : chunk_.other_text) = found;
  chunk_.escaped |= escaped;
}

}  // namespace llmsweep

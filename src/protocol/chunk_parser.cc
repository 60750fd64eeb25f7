#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "llmsweep/base/text.h"
#include "llmsweep/protocol/response.h"
#include "protocol/chunk.h"
#include "protocol/chunk_shape.h"

namespace llmsweep {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kFirstCapacity = size_t{64} << 10;
constexpr size_t kMaxDepth = 64;
constexpr int64_t kMaxCount = 1'000'000'000'000;  // of tokens; more is nonsense

std::string_view text_of(dom::element value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

void read_count(dom::element value, std::optional<int64_t>& count) {
  int64_t whole = 0;
  double real = 0;
  if (value.get(whole) == simdjson::SUCCESS) {
    if (whole >= 0 && whole <= kMaxCount) count = whole;
  } else if (value.get(real) == simdjson::SUCCESS && real >= 0 && real <= kMaxCount) {
    count = static_cast<int64_t>(real);
  }
}

// null, "", false and a missing member mean that nothing is wrong.
bool is_error(dom::element value) {
  switch (value.type()) {
    case dom::element_type::NULL_VALUE:
      return false;
    case dom::element_type::BOOL:
      return bool(value);
    case dom::element_type::STRING:
      return !text_of(value).empty();
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT:
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      return true;
  }
  return true;
}

// Non-empty text, or a non-empty list or object (content parts, tool calls).
bool carries_something(dom::element value) {
  dom::array list;
  dom::object object;
  if (value.get(list) == simdjson::SUCCESS) return list.begin() != list.end();
  if (value.get(object) == simdjson::SUCCESS) return object.begin() != object.end();
  return !text_of(value).empty();
}

void read_usage(dom::element value, Chunk& chunk) {
  dom::object usage;
  if (value.get(usage) != simdjson::SUCCESS) return;
  for (auto [key, member] : usage) {
    if (key == "completion_tokens") {
      read_count(member, chunk.completion_tokens);
    } else if (key == "prompt_tokens") {
      read_count(member, chunk.prompt_tokens);
    } else if (key == "prompt_tokens_details") {
      dom::element cached;
      if (member["cached_tokens"].get(cached) == simdjson::SUCCESS) {
        read_count(cached, chunk.cached_tokens);
      }
    }
  }
}

void read_milliseconds(dom::element value, std::optional<int64_t>& microseconds) {
  double ms = 0;
  if (value.get(ms) != simdjson::SUCCESS || !(ms >= 0 && ms < 1e12)) return;
  microseconds = std::llround(ms * 1000);
}

// llama.cpp's own measurement, in the last chunk.
void read_timings(dom::element value, Chunk& chunk) {
  dom::object timings;
  if (value.get(timings) != simdjson::SUCCESS) return;
  for (auto [key, member] : timings) {
    if (key == "prompt_ms") read_milliseconds(member, chunk.server_prefill_us);
    if (key == "predicted_ms") read_milliseconds(member, chunk.server_decode_us);
  }
}

void read_delta(dom::element value, Chunk& chunk) {
  dom::object delta;
  if (value.get(delta) != simdjson::SUCCESS) return;
  for (auto [key, member] : delta) {
    if (key == "content") {
      chunk.answer |= carries_something(member);
    } else if (key == "reasoning_content" || key == "reasoning" || key == "refusal" ||
               key == "tool_calls" || key == "function_call") {
      chunk.other_output |= carries_something(member);
    } else if (key == "role") {
      chunk.role |= !text_of(member).empty();
    }
  }
}

void read_choice(dom::element value, Chunk& chunk) {
  dom::object choice;
  if (value.get(choice) != simdjson::SUCCESS) return;
  for (auto [key, member] : choice) {
    if (key == "delta") {
      read_delta(member, chunk);
    } else if (key == "text") {
      chunk.answer |= !text_of(member).empty();
    } else if (key == "finish_reason") {
      if (chunk.finish_reason.empty()) chunk.finish_reason = text_of(member);
    } else if (key == "usage") {
      read_usage(member, chunk);
    } else if (key == "error") {
      chunk.error |= is_error(member);
    }
  }
}

void read_chunk(dom::object object, Chunk& chunk) {
  for (auto [key, member] : object) {
    if (key == "choices") {
      dom::array choices;
      if (member.get(choices) != simdjson::SUCCESS) continue;
      for (dom::element choice : choices) {
        chunk.has_choices = true;
        read_choice(choice, chunk);
      }
    } else if (key == "usage") {
      read_usage(member, chunk);
    } else if (key == "timings") {
      read_timings(member, chunk);
    } else if (key == "id") {
      chunk.id = text_of(member);
    } else if (key == "error") {
      chunk.error |= is_error(member);
    } else if (key == "object") {
      chunk.error |= text_of(member) == "error";
    }
  }
}

// Text is not kept, so bytes that are not UTF-8 and escapes of lone surrogates (a character cut in
// two by the server) need not fail a request: both become U+FFFD.
std::string repaired(std::string_view payload) {
  std::string text = repair_utf8(payload);
  for (size_t i = text.find('\\'); i != std::string::npos; i = text.find('\\', i + 2)) {
    const bool surrogate = i + 6 <= text.size() && text[i + 1] == 'u' &&
                           (text[i + 2] | 0x20) == 'd' &&
                           std::strchr("89abcdefABCDEF", text[i + 3]);
    if (surrogate) text.replace(i + 2, 4, "fffd");
  }
  return text;
}

}  // namespace

struct ChunkParser::State {
  ChunkShape shape;
  dom::parser parser;
  std::unique_ptr<char[]> buffer;  // simdjson reads SIMDJSON_PADDING bytes beyond the text
  size_t capacity = 0;

  void reserve(size_t size) {
    if (size <= capacity) return;
    capacity = std::max(size, 2 * capacity);
    buffer = std::make_unique<char[]>(capacity + simdjson::SIMDJSON_PADDING);
  }

  simdjson::error_code parse(std::string_view payload, dom::element& root) {
    reserve(payload.size());
    std::memcpy(buffer.get(), payload.data(), payload.size());
    return parser.parse(buffer.get(), payload.size(), false).get(root);
  }
};

ChunkParser::ChunkParser() : state_(std::make_unique<State>()) {
  state_->reserve(kFirstCapacity);
  if (state_->parser.allocate(kFirstCapacity, kMaxDepth) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
}

ChunkParser::~ChunkParser() = default;

std::string_view ChunkParser::parse(std::string_view payload, Chunk& chunk) {
  if (state_->shape.read(payload, chunk)) return {};
  dom::element root;
  simdjson::error_code code = state_->parse(payload, root);
  const bool to_repair = code == simdjson::UTF8_ERROR || code == simdjson::STRING_ERROR;
  if (to_repair) code = state_->parse(repaired(payload), root);
  if (code != simdjson::SUCCESS) return simdjson::error_message(code);
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return "it is not a JSON object";
  chunk = {};
  read_chunk(object, chunk);
  if (!to_repair) state_->shape.learn(payload, chunk);
  return {};
}

}  // namespace llmsweep

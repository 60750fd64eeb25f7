#include "protocol/openai_chunk.h"

#include <simdjson.h>

#include "protocol/chunk.h"
#include "protocol/json_values.h"

namespace llmsweep {

namespace dom = simdjson::dom;

namespace {

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

}  // namespace

// Some servers leave out the blank line before [DONE], which makes it a second line of data.
bool take_done(const SseEvent& /*event*/, std::string_view& payload) {
  constexpr std::string_view kDone = "[DONE]";
  const bool done =
      payload.ends_with(kDone) &&
      (payload.size() == kDone.size() || payload[payload.size() - kDone.size() - 1] == '\n');
  if (done) payload.remove_suffix(kDone.size());
  return done;
}

void read_openai_chunk(const dom::object& object, Chunk& chunk) {
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

}  // namespace llmsweep

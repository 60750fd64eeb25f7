// What the reader needs to know of one chunk of a stream, whatever its API. Filled by
// ChunkParser::parse; the words are those of chat and completions, for which each has a key, and an
// API that says the same in another way translates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmsweep {

struct Chunk {
  std::string_view id;
  std::string_view model;
  std::string_view finish_reason;  // of the first choice that has one: "stop", "length", …
  // The first text of either kind of output. `escaped`: as JSON spells it.
  std::string_view answer_text;
  std::string_view other_text;
  bool escaped = false;
  bool has_choices = false;   // a non-empty list: it is a part of the answer
  bool answer = false;        // non-empty content or text
  bool other_output = false;  // a thought, refusal, a tool call
  bool thought = false;       // other_output is, or has in it, reasoning
  bool role = false;
  bool error = false;     // it says that something failed, at the top or in a choice
  bool repaired = false;  // it was no JSON as the standard has it
  // Read all the same: its choices are no list, its delta is a text or is named `message`.
  bool misshapen = false;
  bool in_message = false;  // its output, if any, is of a `message`
  bool end = false;         // the stream's last
  std::optional<int64_t> prompt_tokens;
  std::optional<int64_t> completion_tokens;
  std::optional<int64_t> total_tokens;
  std::optional<int64_t> reasoning_tokens;
  std::optional<int64_t> cached_tokens;
  // Where cached tokens are no part of the prompt's: those that neither came from a cache nor went
  // into one, and those that went into one. prompt_tokens, the sum of all three, is then absent.
  std::optional<int64_t> uncached_tokens;
  std::optional<int64_t> stored_tokens;
  // Of an answer that is no stream: how many results it has, and the first of them, from 1, that is
  // empty.
  std::optional<int64_t> results;
  std::optional<int64_t> empty_result;
  std::optional<int64_t> server_prefill_us;
  std::optional<int64_t> server_decode_us;

  // Output, of which an empty text is none.
  void add_answer(std::string_view text) {
    if (text.empty()) return;
    answer = true;
    if (answer_text.empty()) answer_text = text;
  }
  void add_other(std::string_view text, bool is_thought) {
    if (text.empty()) return;
    other_output = true;
    thought |= is_thought;
    if (other_text.empty()) other_text = text;
  }
};

}  // namespace llmsweep

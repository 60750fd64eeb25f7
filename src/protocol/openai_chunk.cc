#include "protocol/openai_chunk.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "protocol/chunk.h"
#include "protocol/finish_reason.h"
#include "protocol/json_values.h"
#include "protocol/spelling.h"
#include "protocol/usage.h"

namespace llmsweep {

namespace dom = simdjson::dom;

namespace {

template <class Names>
bool is_among(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Servers coin new names; what only describes thoughts, or hides them, is not one of them.
bool names_thoughts(std::string_view key) {
  if (is_among(key, kOpenaiThoughts)) return true;
  constexpr std::array<std::string_view, 3> kStems = {"reasoning", "thinking", "thought"};
  constexpr std::array<std::string_view, 13> kOthers = {
      "signature", "encrypted", "_id",  "Id",    "effort", "format", "token",
      "type",      "status",    "time", "level", "mode",   "budget"};
  const auto holds = [key](std::string_view part) { return key.find(part) != key.npos; };
  return std::any_of(kStems.begin(), kStems.end(), holds) &&
         std::none_of(kOthers.begin(), kOthers.end(), holds);
}

// {"type": "thinking", …}, {"type": "reasoning.text", …} or {"thought": true, …}
bool is_thought(dom::element part) {
  dom::object object;
  if (part.get(object) != simdjson::SUCCESS) return false;
  for (auto [key, member] : object) {
    bool flag = false;
    if (key == "thought" && member.get(flag) == simdjson::SUCCESS && flag) return true;
    if (key != "type") continue;
    const std::string_view type = text_of(member);
    if (type.find("think") != std::string_view::npos ||
        type.find("reason") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// Text, or a list of typed parts.
void read_content(dom::element value, Chunk& chunk) {
  dom::array parts;
  if (value.get(parts) != simdjson::SUCCESS) {
    return chunk.add_answer(text_within(value, Within::kOutput));
  }
  for (const dom::element part : parts) {
    if (is_thought(part)) {
      chunk.add_other(text_within(part, Within::kThoughts), true);
    } else {
      chunk.add_answer(text_within(part, Within::kOutput));
    }
  }
}

void read_output(std::string_view key, dom::element member, Chunk& chunk) {
  constexpr std::array<std::string_view, 6> kOthers = {"refusal",       "tool_calls", "tool_call",
                                                       "function_call", "audio",      "images"};
  if (key == "content") {
    read_content(member, chunk);
  } else if (names_thoughts(key)) {
    chunk.add_other(text_within(member, Within::kThoughts), true);
  } else if (is_among(key, kOthers)) {
    chunk.add_other(text_within(member, Within::kOutput), false);
  } else if (key == "usage") {
    read_usage(member, chunk);
  } else if (is_spelt(key, "error")) {
    chunk.error |= is_error(member);
  }
}

bool names_finish(std::string_view key) {
  return key == "finish_reason" || key == "finishReason";
}

// "length", or {"type": "length", "length": 20}.
void read_finish(dom::element value, Chunk& chunk) {
  std::string_view reason = text_of(value);
  dom::object object;
  if (value.get(object) == simdjson::SUCCESS) {
    for (auto [key, member] : object) {
      if (key == "type") reason = text_of(member);
    }
  }
  if (chunk.finish_reason.empty() && finish_kind(reason) != FinishKind::kNone) {
    chunk.finish_reason = reason;
  }
}

// Some send the text alone where the object with it belongs.
void read_delta(dom::element value, Chunk& chunk) {
  dom::object delta;
  if (value.get(delta) != simdjson::SUCCESS) {
    const std::string_view text = text_of(value);
    chunk.misshapen |= !text.empty();
    return chunk.add_answer(text);
  }
  for (auto [key, member] : delta) {
    if (key == "role") {
      chunk.role |= !text_of(member).empty();
    } else if (names_finish(key)) {
      read_finish(member, chunk);
    } else if (key == "text") {
      chunk.add_answer(text_of(member));
    } else {
      read_output(key, member, chunk);
    }
  }
}

void read_choice(dom::element value, Chunk& chunk) {
  dom::object choice;
  if (value.get(choice) != simdjson::SUCCESS) return;
  bool has_delta = false;
  std::optional<dom::element> message;  // of a whole answer; beside a delta it repeats the answer
  for (auto [key, member] : choice) {
    if (key == "delta") {
      has_delta = true;
      read_delta(member, chunk);
    } else if (key == "message") {
      message = member;
    } else if (key == "text") {
      chunk.add_answer(text_of(member));
    } else if (names_finish(key)) {
      read_finish(member, chunk);
    } else if (key != "content") {
      read_output(key, member, chunk);
    }
  }
  if (has_delta || !message) return;
  read_delta(*message, chunk);
  chunk.in_message = true;
  chunk.misshapen |= chunk.answer || chunk.other_output;
}

bool says_failure(std::string_view text) {
  const FinishKind kind = finish_kind(text);
  return kind == FinishKind::kFailure;
}

// A code or status of 0, 200 or "ok" says that nothing is wrong.
bool is_bad_code(dom::element value) {
  int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number != 0 && number != 200;
  const std::string_view text = text_of(value);
  constexpr std::array<std::string_view, 8> kGood = {"",   "0",       "200",     "ok",
                                                     "OK", "success", "Success", "SUCCESS"};
  return !is_among(text, kGood);
}

// What a chunk without output says of a failure, beside `error`: every gateway has words of its
// own.
class FailureWords {
 public:
  void read(std::string_view key, dom::element member) {
    bool flag = true;
    if (kFailureNames.has(key) || is_spelt(key, "detail")) {
      failed_ |= is_error(member) && !is_empty_list(member);
    } else if (key == "object" || key == "type" || key == "status") {
      failed_ |= says_failure(text_of(member));
      if (key == "status") bad_code_ |= is_bad_status(member);
    } else if (kCodeNames.has(key)) {
      bad_code_ |= is_bad_code(member);
    } else if (key == "success" && member.get(flag) == simdjson::SUCCESS) {
      failed_ |= !flag;
    } else if (kWordNames.has(key)) {
      words_ |= !text_of(member).empty();
    }
  }
  bool failed() const { return failed_ || (bad_code_ && words_); }

 private:
  static bool is_empty_list(dom::element value) {
    dom::array list;
    return value.get(list) == simdjson::SUCCESS && list.size() == 0;
  }
  static bool is_bad_status(dom::element value) {
    int64_t number = 0;
    return value.get(number) == simdjson::SUCCESS && number >= 400;
  }

  bool failed_ = false;
  bool bad_code_ = false;
  bool words_ = false;
};

// {"status_code": 1002, "status_msg": "rate limit"}, which is in good chunks too, with 0.
bool is_bad_response(dom::element value) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return false;
  for (auto [key, member] : object) {
    if (key == "status_code" && is_bad_code(member)) return true;
  }
  return false;
}

void read_choices(dom::element value, Chunk& chunk) {
  dom::array choices;
  dom::object one;  // some send it without the list
  if (value.get(one) == simdjson::SUCCESS && one.size() > 0) {
    chunk.has_choices = true;
    chunk.misshapen = true;
    return read_choice(value, chunk);
  }
  if (value.get(choices) != simdjson::SUCCESS) return;
  for (const dom::element choice : choices) {
    chunk.has_choices = true;
    read_choice(choice, chunk);
  }
}

void fill_absent(Chunk& chunk, const Chunk& counts) {
  if (chunk.completion_tokens || !counts.completion_tokens) return;
  chunk.completion_tokens = counts.completion_tokens;
  if (!chunk.prompt_tokens) chunk.prompt_tokens = counts.prompt_tokens;
  if (!chunk.cached_tokens) chunk.cached_tokens = counts.cached_tokens;
}

}  // namespace

// Some servers leave out the blank line before [DONE], which makes it a second line of data; some
// send it as a text of JSON.
bool take_done(const SseEvent& /*event*/, std::string_view& payload) {
  constexpr std::array<std::string_view, 4> kMarks = {"[DONE]", "\"[DONE]\"", "[done]", "[Done]"};
  for (const std::string_view mark : kMarks) {
    const bool done =
        payload.ends_with(mark) &&
        (payload.size() == mark.size() || payload[payload.size() - mark.size() - 1] == '\n');
    if (!done) continue;
    payload.remove_suffix(mark.size());
    return true;
  }
  return false;
}

void read_openai_chunk(const dom::object& object, Chunk& chunk) {
  FailureWords failure;
  Chunk timed;  // the counts of `timings`
  for (auto [key, member] : object) {
    dom::object inner;
    if (key == "choices") {
      read_choices(member, chunk);
    } else if (key == "usage" || key == "usageMetadata" || key == "usage_metadata" ||
               key == "meta_info" || key == "token_usage") {
      read_usage(member, chunk);
    } else if (key == "timings") {
      read_timings(member, chunk, timed);
    } else if (key == "id") {
      chunk.id = text_of(member);
    } else if (key == "model") {
      chunk.model = text_of(member);
    } else if (is_spelt(key, "error")) {
      chunk.error |= is_error(member);
    } else if (names_finish(key) || key == "done_reason") {
      read_finish(member, chunk);
    } else if (key == "base_resp") {
      chunk.error |= is_bad_response(member);
    } else {
      failure.read(key, member);
      if (member.get(inner) == simdjson::SUCCESS) read_nested_usage(inner, chunk);
    }
  }
  fill_absent(chunk, timed);
  const bool carries = chunk.answer || chunk.other_output || chunk.completion_tokens;
  chunk.error |= failure.failed() && !carries;
}

}  // namespace llmsweep

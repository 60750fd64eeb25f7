// POST /messages: Anthropic's reference of it, as vLLM, SGLang and llama.cpp serve it.
//
// message_start, a content_block_start, its content_block_deltas and a content_block_stop for each
// block, message_delta with the reason of the end and the usage, message_stop. A `ping` may come
// between any of them, and an `error` instead.
#include "protocol/api_dialect.h"

#include <simdjson.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "protocol/chunk.h"
#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"
#include "protocol/typed_events.h"
#include "protocol/usage.h"

namespace llmsweep {

namespace dom = simdjson::dom;

namespace {

void write_messages_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  std::string system;
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const auto& [role, content] : parts.prompt.messages) {
    if (role == "system" || role == "developer") {
      if (!system.empty()) system += '\n';
      system += content;
    } else {
      messages.push_back({{"role", role}, {"content", content}});
    }
  }
  if (messages.empty()) messages.push_back({{"role", "user"}, {"content", parts.prompt.text}});
  if (!system.empty()) body["system"] = system;
  body["messages"] = std::move(messages);
  write_length(parts, parts.endpoint.max_tokens_field, body);
  body["stream"] = true;
}

// Its input_tokens are without those that came from a cache, and those that went into one.
void read_messages_usage(const dom::object& owner, Chunk& chunk) {
  dom::element value;
  dom::element count;
  dom::object usage;
  if (owner.at_key("usage").get(value) != simdjson::SUCCESS) return;
  read_usage(value, chunk);
  if (value.get(usage) != simdjson::SUCCESS) return;
  if (usage.at_key("input_tokens").get(count) != simdjson::SUCCESS) return;
  chunk.uncached_tokens = std::exchange(chunk.prompt_tokens, std::nullopt);
  if (usage.at_key("cache_creation_input_tokens").get(count) == simdjson::SUCCESS) {
    read_count(count, chunk.stored_tokens);
  }
}

void read_block_start(const dom::object& block, Chunk& chunk) {
  const bool thought = text_in(block, "type").find("thinking") != std::string_view::npos;
  chunk.add_answer(text_in(block, "text"));
  chunk.add_other(text_in(block, "thinking"), thought);
  chunk.add_other(text_in(block, "name"), false);  // of a tool
}

void read_block_delta(const dom::object& delta, Chunk& chunk) {
  const std::string_view type = text_in(delta, "type");
  if (type == "signature_delta") return;
  chunk.add_answer(text_in(delta, "text"));
  chunk.add_other(text_in(delta, "thinking"), true);
  chunk.add_other(text_in(delta, "partial_json"), false);
}

void read_message_start(const dom::object& message, Chunk& chunk) {
  chunk.id = text_in(message, "id");
  chunk.model = text_in(message, "model");
  read_messages_usage(message, chunk);
  chunk.completion_tokens.reset();  // of the first tokens, or none: no count of the chunks behind
}

void read_messages_event(const dom::object& event, Chunk& chunk) {
  const std::string_view type = text_in(event, "type");
  dom::element error;
  if (type == "error" ||
      (event.at_key("error").get(error) == simdjson::SUCCESS && is_error(error))) {
    chunk.error = true;
  } else if (type == "content_block_delta") {
    chunk.has_choices = true;
    if (const auto delta = object_in(event, "delta")) read_block_delta(*delta, chunk);
  } else if (type == "content_block_start") {
    chunk.has_choices = true;
    if (const auto block = object_in(event, "content_block")) read_block_start(*block, chunk);
  } else if (type == "message_start") {
    chunk.has_choices = true;
    chunk.role = true;
    if (const auto message = object_in(event, "message")) read_message_start(*message, chunk);
  } else if (type == "message_delta") {
    if (const auto delta = object_in(event, "delta")) {
      chunk.finish_reason = text_in(*delta, "stop_reason");
    }
    read_messages_usage(event, chunk);
  } else {
    chunk.end = type == "message_stop";
  }
}

constexpr std::array<std::string_view, 7> kMeaningfulInMessages = {
    "type", "error", "stop_reason", "role", "code", "model", "status"};
constexpr std::array<std::string_view, 4> kOutputInMessages = {"text", "thinking", "partial_json",
                                                               "name"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 1> kHeaders = {
    {{"anthropic-version", "2023-06-01"}}};

}  // namespace

const ApiDialect kMessagesApi = {
    .traits = {.path = "/messages",
               .takes_messages = true,
               .may_ignore_fields = true,
               .headers = kHeaders},
    .words = {.standard = "Anthropic Messages", .answer_key = "content", .end = "message_stop"},
    .write_body = write_messages_body,
    .take_end = take_done,
    .read_chunk = read_messages_event,
    .keys = {.meaningful = kMeaningfulInMessages,
             .id = "id",
             .model = "model",
             .output = kOutputInMessages,
             .counts = kUsageKeys},
};

}  // namespace llmsweep

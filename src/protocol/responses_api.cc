// POST /responses: OpenAI's reference of it and the Open Responses specification, as vLLM, SGLang
// and llama.cpp serve it.
//
// Each event has its type in its data. Only those that end in `.delta` bring output; the `.done`
// events and the last one repeat it. The last one is response.completed or response.incomplete,
// which is how an answer of fixed length ends; [DONE] may follow it.
#include "protocol/api_dialect.h"

#include <simdjson.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "protocol/chunk.h"
#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"
#include "protocol/typed_events.h"
#include "protocol/usage.h"

namespace llmsweep {

namespace dom = simdjson::dom;

namespace {

void write_responses_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  const Prompt& prompt = parts.prompt;
  if (prompt.messages.empty()) {
    body["input"] = prompt.text;
  } else {
    auto& items = body["input"] = nlohmann::ordered_json::array();
    for (const auto& [role, content] : prompt.messages) {
      items.push_back({{"role", role}, {"content", content}});
    }
  }
  const std::string& limit = parts.endpoint.max_tokens_field;
  write_length(parts, limit == EndpointSpec().max_tokens_field ? "max_output_tokens" : limit, body);
  body["stream"] = true;
  body["store"] = false;  // a server that keeps answers has more to do with each
}

void read_delta_event(std::string_view type, const dom::object& event, Chunk& chunk) {
  chunk.has_choices = true;
  const bool thought = type.find("reasoning") != std::string_view::npos;
  if (type == "response.output_text.delta") {
    chunk.add_answer(output_in(event, "delta"));
  } else {
    chunk.add_other(output_in(event, "delta", thought ? Within::kThoughts : Within::kOutput),
                    thought);
  }
}

// "max_output_tokens" of a response that stopped there, wherever it stands, else the status.
std::string_view finish_of(const dom::object& response) {
  if (const auto details = object_in(response, "incomplete_details")) {
    const std::string_view reason = text_in(*details, "reason");
    if (!reason.empty()) return reason;
  }
  return text_in(response, "status");
}

void read_last_event(const dom::object& event, const dom::object& response, Chunk& chunk) {
  chunk.end = true;
  chunk.finish_reason = finish_of(response);
  dom::element usage;
  if (response.at_key("usage").get(usage) == simdjson::SUCCESS) read_usage(usage, chunk);
  Chunk counts;  // the same as the usage
  dom::element timings;
  if (event.at_key("timings").get(timings) == simdjson::SUCCESS) {
    read_timings(timings, chunk, counts);
  }
}

void read_responses_event(const dom::object& event, Chunk& chunk) {
  const std::string_view type = text_in(event, "type");
  if (type.ends_with(".delta")) return read_delta_event(type, event, chunk);
  if (type == "error" || type == "response.failed") {
    chunk.error = true;
    return;
  }
  if (type == "response.output_item.added") {
    chunk.has_choices = true;
    // The name of a tool is the first that a call's output shows of it.
    if (const auto item = object_in(event, "item")) chunk.add_other(text_in(*item, "name"), false);
    return;
  }
  const auto response = object_in(event, "response");
  if (!response) {
    dom::element error;
    if (type.empty() && event.at_key("error").get(error) == simdjson::SUCCESS) {
      chunk.error = is_error(error);
    }
    return;
  }
  chunk.id = text_in(*response, "id");
  chunk.model = text_in(*response, "model");
  if (type == "response.completed" || type == "response.incomplete" ||
      type == "response.cancelled") {
    return read_last_event(event, *response, chunk);
  }
  chunk.has_choices = true;  // created, in_progress: what the first chunk of a chat is
  chunk.role = true;
}

constexpr std::array<std::string_view, 6> kMeaningfulInResponses = {"type", "error", "status",
                                                                    "code", "model", "role"};
constexpr std::array<std::string_view, 2> kOutputInResponses = {"delta", "name"};

}  // namespace

const ApiDialect kResponsesApi = {
    .traits = {.path = "/responses", .takes_messages = true, .may_ignore_fields = true},
    .words = {.standard = "OpenAI Responses", .answer_key = "output", .end = "response.completed"},
    .write_body = write_responses_body,
    .take_end = take_done,
    .read_chunk = read_responses_event,
    .keys = {.meaningful = kMeaningfulInResponses,
             .id = "id",
             .model = "model",
             .output = kOutputInResponses,
             .counts = kUsageKeys},
};

}  // namespace llmsweep

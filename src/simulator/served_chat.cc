// POST /v1/chat/completions
#include "simulator/served_api.h"

#include <simdjson.h>

#include "simulator/choices_writer.h"
#include "simulator/request_fields.h"

namespace llmsweep::sim {
namespace {

void read_chat(const simdjson::dom::object& root, const SimulatorProfile& profile,
               ApiRequest& request) {
  read_openai_options(root, request);
  add_messages(required(root, "messages"), "messages", profile.tokens, request.prompt);
  refuse_empty(request.prompt, "messages");
}

std::string role_delta(const WireProfile& wire) {
  switch (wire.role_chunk) {
    case WireProfile::RoleChunk::kNone:
      return {};
    case WireProfile::RoleChunk::kNull:
      return R"("delta":{"role":"assistant","content":null})";
    case WireProfile::RoleChunk::kEmpty:
      break;
  }
  return R"("delta":{"role":"assistant","content":""})";
}

std::string message(const WireProfile& wire, const TokenText& reasoning, const TokenText& answer) {
  std::string json = R"("message":{"role":"assistant","content":)" + json_quoted(answer.text);
  if (!reasoning.text.empty()) {
    json += ",\"" + wire.reasoning_field + "\":" + json_quoted(reasoning.text);
  }
  return json + '}';
}

ChoiceForm chat_form(const WireProfile& wire, Dialect dialect) {
  const bool nulls = wire.extra_nulls;
  const std::string role = dialect == Dialect::kTgi ? R"("role":"assistant",)"
                           : nulls                  ? R"("role":null,)"
                                                    : "";
  const std::string delta = R"("delta":{)" + role;
  const std::string after_text = nulls ? R"(,"tool_calls":null})" : "}";
  std::string thought = (nulls ? R"("content":null,")" : "\"") + wire.reasoning_field + R"(":")";
  std::string thought_close;
  if (wire.thoughts == WireProfile::Thoughts::kDetails) {
    thought = R"("content":"","reasoning_details":[{"type":"reasoning.text","index":0,"text":")";
    thought_close = "}]" + after_text;
  } else if (wire.thoughts == WireProfile::Thoughts::kParts) {
    thought = R"("content":[{"type":"thinking","thinking":[{"type":"text","text":")";
    thought_close = "}]}]" + after_text;
  }
  return {.chunk_object = "chat.completion.chunk",
          .plain_object = "chat.completion",
          .opening = role_delta(wire),
          .answer = delta + R"("content":")",
          .reasoning = delta + thought,
          .reasoning_close = thought_close,
          .after_text = after_text,
          .finish = nulls ? R"("delta":{"role":null,"content":null,"reasoning_content":null})"
                          : R"("delta":{})",
          .null_finish_reason = dialect != Dialect::kTrtllm,  // leaves nulls out
          .plain = message};
}

std::unique_ptr<EventWriter> make_chat_writer(const WireProfile& wire, Dialect dialect,
                                              Answer answer) {
  return std::make_unique<ChoicesWriter>(wire, dialect, std::move(answer),
                                         chat_form(wire, dialect));
}

}  // namespace

const Api kServedChat = {.name = "chat",
                         .path = "/v1/chat/completions",
                         .id_prefix = "chatcmpl",
                         .reasons = true,
                         .default_tokens = {},
                         .always_counts = {},
                         .read = read_chat,
                         .make_writer = make_chat_writer};

}  // namespace llmsweep::sim

// POST /chat/completions
#include "protocol/api_dialect.h"

#include <nlohmann/json.hpp>

#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"

namespace llmsweep {
namespace {

void write_chat_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  auto& messages = body["messages"] = nlohmann::ordered_json::array();
  for (const auto& [role, content] : parts.prompt.messages) {
    messages.push_back({{"role", role}, {"content", content}});
  }
  if (messages.empty()) messages.push_back({{"role", "user"}, {"content", parts.prompt.text}});
  write_openai_options(parts, body);
}

}  // namespace

const ApiDialect kChatApi = {
    .traits = {.path = "/chat/completions", .takes_messages = true},
    .words = kOpenaiWords,
    .write_body = write_chat_body,
    .take_end = take_done,
    .read_chunk = read_openai_chunk,
    .keys = kOpenaiKeys,
};

}  // namespace llmsweep

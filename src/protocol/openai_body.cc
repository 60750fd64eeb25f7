#include "protocol/openai_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace llmsweep {

namespace {

bool asks_for(const RequestParts& parts, RequestField field) {
  return std::find(parts.fields.begin(), parts.fields.end(), field) != parts.fields.end();
}

}  // namespace

void write_length(const RequestParts& parts, const std::string& limit,
                  nlohmann::ordered_json& body) {
  const int64_t planned = parts.prompt.planned_output_tokens;
  if (planned > 0) {
    body[limit] = planned;
    if (asks_for(parts, RequestField::kMinTokens)) body["min_tokens"] = planned;
  }
  if (asks_for(parts, RequestField::kIgnoreEos)) body["ignore_eos"] = true;
}

std::string joined_text(const Prompt& prompt) {
  if (prompt.messages.empty()) return prompt.text;
  std::string joined;
  for (const auto& [role, content] : prompt.messages) {
    if (!joined.empty()) joined += '\n';
    joined += content;
  }
  return joined;
}

void write_openai_options(const RequestParts& parts, nlohmann::ordered_json& body) {
  write_length(parts, parts.endpoint.max_tokens_field, body);
  body["stream"] = true;
  if (!asks_for(parts, RequestField::kIncludeUsage)) return;
  body["stream_options"]["include_usage"] = true;
  if (asks_for(parts, RequestField::kContinuousUsage)) {
    body["stream_options"]["continuous_usage_stats"] = true;
  }
}

}  // namespace llmsweep

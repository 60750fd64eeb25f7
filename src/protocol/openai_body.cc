#include "protocol/openai_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace llmsweep {

void write_openai_options(const RequestParts& parts, nlohmann::ordered_json& body) {
  const auto asked = [&](RequestField field) {
    return std::find(parts.fields.begin(), parts.fields.end(), field) != parts.fields.end();
  };
  const int64_t planned = parts.prompt.planned_output_tokens;
  if (planned > 0) {
    body[parts.endpoint.max_tokens_field] = planned;
    if (asked(RequestField::kMinTokens)) body["min_tokens"] = planned;
  }
  if (asked(RequestField::kIgnoreEos)) body["ignore_eos"] = true;
  body["stream"] = true;
  if (asked(RequestField::kIncludeUsage)) {
    body["stream_options"]["include_usage"] = true;
    if (asked(RequestField::kContinuousUsage)) {
      body["stream_options"]["continuous_usage_stats"] = true;
    }
  }
}

}  // namespace llmsweep

#include "simulator/api_request.h"

#include <simdjson.h>

#include "simulator/request_fields.h"
#include "simulator/served_api.h"

namespace llmsweep::sim {
namespace {

namespace dom = simdjson::dom;

dom::object parse_object(std::string_view body, Dialect dialect, dom::parser& parser) {
  dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    throw ApiFailure{.status = dialect == Dialect::kLlamacpp ? 500 : 400,
                     .message = "the body is not valid JSON"};
  }
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) refuse("the body must be a JSON object");
  return object;
}

void check_fields(const dom::object& root, const WireProfile& wire) {
  for (const std::string& field : wire.rejected_fields) {
    const size_t dot = field.find('.');
    const auto outer = member(root, std::string_view(field).substr(0, dot));
    if (!outer) continue;
    if (dot != std::string::npos) {
      dom::object inner;
      if (outer->get(inner) != simdjson::SUCCESS || !member(inner, field.substr(dot + 1))) continue;
    }
    throw ApiFailure{.message = "Unrecognized request argument supplied: " + field,
                     .type = "invalid_request_error",
                     .param = field};
  }
}

}  // namespace

std::variant<ApiRequest, ApiFailure> parse_api_request(std::string_view body, const Api& api,
                                                       const SimulatorProfile& profile) {
  try {
    dom::parser parser;
    const dom::object root = parse_object(body, profile.dialect, parser);
    check_fields(root, profile.wire);
    ApiRequest request{.api = &api,
                       .prompt = PromptTokens(profile.tokens, profile.engine.kv_block_tokens)};
    api.read(root, profile, request);
    return request;
  } catch (ApiFailure& failure) {
    return std::move(failure);
  }
}

std::variant<PromptTokens, ApiFailure> parse_tokenize_request(std::string_view body,
                                                              const SimulatorProfile& profile) {
  try {
    dom::parser parser;
    const dom::object root = parse_object(body, profile.dialect, parser);
    PromptTokens prompt(profile.tokens);
    prompt.keep_ids();
    if (const auto messages = member(root, "messages")) {
      add_messages(*messages, "messages", profile.tokens, prompt);
    } else if (const auto text = member(root, "prompt")) {
      add_prompt(*text, prompt);
    } else if (const auto content = member(root, "content")) {
      add_content(*content, "content", prompt);
    } else {
      refuse("'prompt', 'content' or 'messages' is missing");
    }
    return prompt;
  } catch (ApiFailure& failure) {
    return std::move(failure);
  }
}

}  // namespace llmsweep::sim

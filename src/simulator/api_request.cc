#include "simulator/api_request.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace llmsweep::sim {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(std::string message, std::string param = {}) {
  throw ApiFailure{.message = std::move(message), .param = std::move(param)};
}

json parse_object(std::string_view body, Dialect dialect) {
  json root = json::parse(body, nullptr, false);
  if (root.is_discarded()) {
    throw ApiFailure{.status = dialect == Dialect::kLlamacpp ? 500 : 400,
                     .message = "the body is not valid JSON"};
  }
  if (!root.is_object()) refuse("the body must be a JSON object");
  return root;
}

bool flag(const json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) refuse(fmt::format("'{}' must be a boolean", key), key);
  return found->get<bool>();
}

std::optional<int64_t> whole(const json& object, const char* key, int64_t min) {
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_number_integer()) refuse(fmt::format("'{}' must be an integer", key), key);
  const auto value = found->get<int64_t>();
  if (value < min) refuse(fmt::format("'{}' must be at least {}, got {}", key, min, value), key);
  return value;
}

void add_content(const json& content, PromptTokens& prompt) {
  if (content.is_null()) return;
  if (content.is_string()) {
    prompt.add_text(content.get_ref<const std::string&>());
    return;
  }
  if (!content.is_array()) refuse("'content' must be a string or a list of parts", "messages");
  for (const json& part : content) {
    if (!part.is_object()) refuse("a part of 'content' must be an object", "messages");
    auto text = part.find("text");
    if (text != part.end() && text->is_string()) {
      prompt.add_text(text->get_ref<const std::string&>());
    }
  }
}

void add_messages(const json& messages, const TokenProfile& tokens, PromptTokens& prompt) {
  if (!messages.is_array() || messages.empty()) {
    refuse("'messages' must be a list of at least one message", "messages");
  }
  for (const json& message : messages) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string()) {
      refuse("a message must be an object with a 'role'", "messages");
    }
    prompt.add_overhead(tokens.message_overhead, message["role"].get_ref<const std::string&>());
    if (message.contains("content")) add_content(message["content"], prompt);
  }
  prompt.add_overhead(tokens.request_overhead, "generation");
}

void add_prompt(const json& value, PromptTokens& prompt) {
  if (value.is_string()) {
    prompt.add_text(value.get_ref<const std::string&>());
    return;
  }
  if (!value.is_array() || value.empty()) {
    refuse("'prompt' must be a string or a list of token ids", "prompt");
  }
  if (!value.front().is_number()) {
    if (value.size() > 1) refuse("this endpoint serves one prompt a request", "prompt");
    add_prompt(value.front(), prompt);
    return;
  }
  for (const json& id : value) {
    if (!id.is_number_unsigned()) refuse("token ids must be non-negative integers", "prompt");
    prompt.add_id(id.get<uint64_t>());
  }
}

void check_fields(const json& root, const WireProfile& wire) {
  for (const std::string& field : wire.rejected_fields) {
    const size_t dot = field.find('.');
    const std::string outer = field.substr(0, dot);
    if (!root.contains(outer)) continue;
    if (dot != std::string::npos) {
      const json& inner = root[outer];
      if (!inner.is_object() || !inner.contains(field.substr(dot + 1))) continue;
    }
    throw ApiFailure{.message = "Unrecognized request argument supplied: " + field,
                     .type = "invalid_request_error",
                     .param = field};
  }
}

ApiRequest read(const json& root, bool chat, const SimulatorProfile& profile) {
  check_fields(root, profile.wire);
  ApiRequest request{.chat = chat,
                     .prompt = PromptTokens(profile.tokens, profile.engine.kv_block_tokens)};
  if (auto model = root.find("model"); model != root.end() && model->is_string()) {
    request.model = model->get<std::string>();
  }
  request.stream = flag(root, "stream");
  if (auto options = root.find("stream_options"); options != root.end() && !options->is_null()) {
    if (!options->is_object()) refuse("'stream_options' must be an object", "stream_options");
    if (!request.stream) refuse("'stream_options' needs 'stream': true", "stream_options");
    request.include_usage = flag(*options, "include_usage");
    request.continuous_usage = flag(*options, "continuous_usage_stats");
  }
  request.ignore_eos = flag(root, "ignore_eos");
  request.max_tokens = whole(root, "max_completion_tokens", 1);
  if (!request.max_tokens) request.max_tokens = whole(root, "max_tokens", 1);
  request.min_tokens = whole(root, "min_tokens", 0).value_or(0);
  if (request.max_tokens && request.min_tokens > *request.max_tokens) {
    refuse("'min_tokens' must not be above 'max_tokens'", "min_tokens");
  }
  if (whole(root, "n", 1).value_or(1) != 1)
    refuse("this endpoint serves one choice a request", "n");
  if (auto seed = whole(root, "seed", INT64_MIN)) request.seed = static_cast<uint64_t>(*seed);
  const char* source = chat ? "messages" : "prompt";
  if (!root.contains(source)) refuse(fmt::format("'{}' is missing", source), source);
  if (chat) {
    add_messages(root["messages"], profile.tokens, request.prompt);
  } else {
    add_prompt(root["prompt"], request.prompt);
  }
  if (request.prompt.count() == 0) refuse(fmt::format("'{}' is empty", source), source);
  return request;
}

}  // namespace

std::variant<ApiRequest, ApiFailure> parse_api_request(std::string_view body, bool chat,
                                                       const SimulatorProfile& profile) {
  try {
    return read(parse_object(body, profile.dialect), chat, profile);
  } catch (ApiFailure& failure) {
    return std::move(failure);
  }
}

std::variant<PromptTokens, ApiFailure> parse_tokenize_request(std::string_view body,
                                                              const SimulatorProfile& profile) {
  try {
    const json root = parse_object(body, profile.dialect);
    PromptTokens prompt(profile.tokens);
    prompt.keep_ids();
    if (root.contains("messages")) {
      add_messages(root["messages"], profile.tokens, prompt);
    } else if (root.contains("prompt")) {
      add_prompt(root["prompt"], prompt);
    } else if (root.contains("content")) {
      add_content(root["content"], prompt);
    } else {
      refuse("'prompt', 'content' or 'messages' is missing");
    }
    return prompt;
  } catch (ApiFailure& failure) {
    return std::move(failure);
  }
}

}  // namespace llmsweep::sim

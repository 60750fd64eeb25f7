#include "simulator/api_request.h"

#include <fmt/format.h>

#include <simdjson.h>

namespace llmsweep::sim {
namespace {

namespace dom = simdjson::dom;

[[noreturn]] void refuse(std::string message, std::string param = {}) {
  throw ApiFailure{.message = std::move(message), .param = std::move(param)};
}

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

std::optional<dom::element> member(const dom::object& object, std::string_view key) {
  dom::element value;
  if (object.at_key(key).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

// Where it is given, and not null.
std::optional<dom::element> given(const dom::object& object, std::string_view key) {
  const auto value = member(object, key);
  return value && value->is_null() ? std::nullopt : value;
}

bool flag(const dom::object& object, const char* key) {
  const auto found = given(object, key);
  bool value = false;
  if (found && found->get(value) != simdjson::SUCCESS) {
    refuse(fmt::format("'{}' must be a boolean", key), key);
  }
  return value;
}

std::optional<int64_t> whole(const dom::object& object, const char* key, int64_t min) {
  const auto found = given(object, key);
  if (!found) return std::nullopt;
  int64_t value = 0;
  if (found->get(value) != simdjson::SUCCESS) {
    refuse(fmt::format("'{}' must be an integer", key), key);
  }
  if (value < min) refuse(fmt::format("'{}' must be at least {}, got {}", key, min, value), key);
  return value;
}

std::optional<uint64_t> seed_of(const dom::object& object) {
  const auto found = given(object, "seed");
  uint64_t large = 0;
  if (found && found->get(large) == simdjson::SUCCESS) return large;
  const auto value = whole(object, "seed", INT64_MIN);
  return value ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
}

void add_content(const dom::element& content, PromptTokens& prompt) {
  std::string_view text;
  dom::array parts;
  if (content.is_null()) return;
  if (content.get(text) == simdjson::SUCCESS) return prompt.add_text(text);
  if (content.get(parts) != simdjson::SUCCESS) {
    refuse("'content' must be a string or a list of parts", "messages");
  }
  for (const dom::element& part : parts) {
    dom::object object;
    if (part.get(object) != simdjson::SUCCESS) {
      refuse("a part of 'content' must be an object", "messages");
    }
    if (object.at_key("text").get(text) == simdjson::SUCCESS) prompt.add_text(text);
  }
}

void add_messages(const dom::element& value, const TokenProfile& tokens, PromptTokens& prompt) {
  dom::array messages;
  if (value.get(messages) != simdjson::SUCCESS || messages.begin() == messages.end()) {
    refuse("'messages' must be a list of at least one message", "messages");
  }
  for (const dom::element& item : messages) {
    dom::object message;
    std::string_view role;
    if (item.get(message) != simdjson::SUCCESS ||
        message.at_key("role").get(role) != simdjson::SUCCESS) {
      refuse("a message must be an object with a 'role'", "messages");
    }
    prompt.add_overhead(tokens.message_overhead, role);
    if (const auto content = member(message, "content")) add_content(*content, prompt);
  }
  prompt.add_overhead(tokens.request_overhead, "generation");
}

void add_prompt(const dom::element& value, PromptTokens& prompt) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return prompt.add_text(text);
  dom::array items;
  if (value.get(items) != simdjson::SUCCESS || items.begin() == items.end()) {
    refuse("'prompt' must be a string or a list of token ids", "prompt");
  }
  if (const dom::element first = *items.begin(); !first.is_number()) {
    if (items.size() > 1) refuse("this endpoint serves one prompt a request", "prompt");
    add_prompt(first, prompt);
    return;
  }
  for (const dom::element& item : items) {
    uint64_t id = 0;
    if (item.get(id) != simdjson::SUCCESS) {
      refuse("token ids must be non-negative integers", "prompt");
    }
    prompt.add_id(id);
  }
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

ApiRequest read(const dom::object& root, bool chat, const SimulatorProfile& profile) {
  check_fields(root, profile.wire);
  ApiRequest request{.chat = chat,
                     .prompt = PromptTokens(profile.tokens, profile.engine.kv_block_tokens)};
  std::string_view model;
  if (root.at_key("model").get(model) == simdjson::SUCCESS) request.model = model;
  request.stream = flag(root, "stream");
  if (const auto value = given(root, "stream_options")) {
    dom::object options;
    if (value->get(options) != simdjson::SUCCESS) {
      refuse("'stream_options' must be an object", "stream_options");
    }
    if (!request.stream) refuse("'stream_options' needs 'stream': true", "stream_options");
    request.include_usage = flag(options, "include_usage");
    request.continuous_usage = flag(options, "continuous_usage_stats");
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
  request.seed = seed_of(root);
  const char* source = chat ? "messages" : "prompt";
  const auto given_prompt = member(root, source);
  if (!given_prompt) refuse(fmt::format("'{}' is missing", source), source);
  if (chat) {
    add_messages(*given_prompt, profile.tokens, request.prompt);
  } else {
    add_prompt(*given_prompt, request.prompt);
  }
  if (request.prompt.count() == 0) refuse(fmt::format("'{}' is empty", source), source);
  return request;
}

}  // namespace

std::variant<ApiRequest, ApiFailure> parse_api_request(std::string_view body, bool chat,
                                                       const SimulatorProfile& profile) {
  try {
    dom::parser parser;
    return read(parse_object(body, profile.dialect, parser), chat, profile);
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
      add_messages(*messages, profile.tokens, prompt);
    } else if (const auto text = member(root, "prompt")) {
      add_prompt(*text, prompt);
    } else if (const auto content = member(root, "content")) {
      add_content(*content, prompt);
    } else {
      refuse("'prompt', 'content' or 'messages' is missing");
    }
    return prompt;
  } catch (ApiFailure& failure) {
    return std::move(failure);
  }
}

}  // namespace llmsweep::sim

#include "simulator/request_fields.h"

#include <fmt/format.h>

#include <simdjson.h>

#include "llmsweep/base/base64.h"
#include "llmsweep/base/sha256.h"

namespace llmsweep::sim {

namespace dom = simdjson::dom;

namespace {

std::optional<uint64_t> seed_of(const dom::object& object) {
  const auto found = given(object, "seed");
  uint64_t large = 0;
  if (found && found->get(large) == simdjson::SUCCESS) return large;
  const auto value = whole(object, "seed", INT64_MIN);
  return value ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
}

}  // namespace

void refuse(std::string message, std::string param) {
  throw ApiFailure{.message = std::move(message), .param = std::move(param)};
}

std::optional<dom::element> member(const dom::object& object, std::string_view key) {
  dom::element value;
  if (object.at_key(key).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<dom::element> given(const dom::object& object, std::string_view key) {
  const auto value = member(object, key);
  return value && value->is_null() ? std::nullopt : value;
}

dom::element required(const dom::object& object, const char* key) {
  const auto value = member(object, key);
  if (!value) refuse(fmt::format("'{}' is missing", key), key);
  return *value;
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

void read_common_options(const dom::object& root, const char* limit, ApiRequest& request) {
  std::string_view model;
  if (root.at_key("model").get(model) == simdjson::SUCCESS) request.model = model;
  request.stream = flag(root, "stream");
  request.ignore_eos = flag(root, "ignore_eos");
  if (!request.max_tokens) request.max_tokens = whole(root, limit, 1);
  request.min_tokens = whole(root, "min_tokens", 0).value_or(0);
  if (request.max_tokens && request.min_tokens > *request.max_tokens) {
    refuse(fmt::format("'min_tokens' must not be above '{}'", limit), "min_tokens");
  }
  request.seed = seed_of(root);
}

void read_openai_options(const dom::object& root, ApiRequest& request) {
  request.max_tokens = whole(root, "max_completion_tokens", 1);
  read_common_options(root, "max_tokens", request);
  if (const auto value = given(root, "stream_options")) {
    dom::object options;
    if (value->get(options) != simdjson::SUCCESS) {
      refuse("'stream_options' must be an object", "stream_options");
    }
    if (!request.stream) refuse("'stream_options' needs 'stream': true", "stream_options");
    request.include_usage = flag(options, "include_usage");
    request.continuous_usage = flag(options, "continuous_usage_stats");
  }
  if (whole(root, "n", 1).value_or(1) != 1)
    refuse("this endpoint serves one choice a request", "n");
}

namespace {

// {"url": "data:image/png;base64,…"}: nothing is fetched.
void add_image(const dom::element& image, const char* key, PromptTokens& prompt) {
  dom::object object;
  std::string_view url;
  constexpr std::string_view kMark = ";base64,";
  if (image.get(object) != simdjson::SUCCESS ||
      object.at_key("url").get(url) != simdjson::SUCCESS) {
    refuse("'image_url' must be an object with a 'url'", key);
  }
  const size_t mark = url.starts_with("data:image/") ? url.find(kMark) : url.npos;
  const auto bytes =
      mark == url.npos ? std::nullopt : base64_decoded(url.substr(mark + kMark.size()));
  if (!bytes || bytes->empty()) refuse("an image must be a data URL in base64", key);
  prompt.add_image(sha256_hex(*bytes));
}

}  // namespace

void add_content(const dom::element& content, const char* key, PromptTokens& prompt) {
  std::string_view text;
  dom::array parts;
  if (content.is_null()) return;
  if (content.get(text) == simdjson::SUCCESS) return prompt.add_text(text);
  if (content.get(parts) != simdjson::SUCCESS) {
    refuse("'content' must be a string or a list of parts", key);
  }
  for (const dom::element& part : parts) {
    dom::object object;
    if (part.get(object) != simdjson::SUCCESS) {
      refuse("a part of 'content' must be an object", key);
    }
    if (object.at_key("text").get(text) == simdjson::SUCCESS) prompt.add_text(text);
    if (const auto image = member(object, "image_url")) add_image(*image, key, prompt);
  }
}

void add_messages(const dom::element& value, const char* key, const TokenProfile& tokens,
                  PromptTokens& prompt) {
  dom::array messages;
  if (value.get(messages) != simdjson::SUCCESS || messages.begin() == messages.end()) {
    refuse(fmt::format("'{}' must be a list of at least one message", key), key);
  }
  for (const dom::element& item : messages) {
    dom::object message;
    std::string_view role;
    if (item.get(message) != simdjson::SUCCESS ||
        message.at_key("role").get(role) != simdjson::SUCCESS) {
      refuse("a message must be an object with a 'role'", key);
    }
    prompt.add_overhead(tokens.message_overhead, role);
    if (const auto content = member(message, "content")) add_content(*content, key, prompt);
  }
  prompt.add_overhead(tokens.request_overhead, "generation");
}

void add_message(std::string_view role, std::string_view text, const TokenProfile& tokens,
                 PromptTokens& prompt) {
  prompt.add_overhead(tokens.message_overhead, role);
  prompt.add_text(text);
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

void refuse_empty(const PromptTokens& prompt, const char* key) {
  if (prompt.count() == 0) refuse(fmt::format("'{}' is empty", key), key);
}

}  // namespace llmsweep::sim

#include "llmsweep/protocol/request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "protocol/error_text.h"

namespace llmsweep {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson chat_messages(const Prompt& prompt) {
  if (!prompt.ids.empty()) {
    throw Error({.what = "a prompt of token ids cannot be sent to the chat API",
                 .where = "workload.prompt_as",
                 .next = "use endpoint.api: completions, or workload.prompt_as: text"});
  }
  OrderedJson messages = OrderedJson::array();
  for (const auto& [role, content] : prompt.messages) {
    messages.push_back({{"role", role}, {"content", content}});
  }
  if (messages.empty()) messages.push_back({{"role", "user"}, {"content", prompt.text}});
  return messages;
}

OrderedJson completions_prompt(const Prompt& prompt) {
  if (!prompt.ids.empty()) return prompt.ids;
  if (prompt.messages.empty()) return prompt.text;
  std::string joined;
  for (const auto& [role, content] : prompt.messages) {
    if (!joined.empty()) joined += '\n';
    joined += content;
  }
  return joined;
}

bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where `name` stands in `text` as a word of its own.
size_t find_word(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool begins = at == 0 || !is_identifier(text[at - 1]);
    if (begins && (end == text.size() || !is_identifier(text[end]))) return at;
  }
  return std::string_view::npos;
}

// pydantic's messages, which vLLM passes on, may end with the whole request, which holds every
// name.
std::string_view without_echo(std::string_view message) {
  return message.substr(0, message.find("'input': {"));
}

bool is_refusal(int status) {
  return status == 400 || status == 422;
}

struct NamedField {
  std::string_view name;
  RequestField field;
};

// A message about a member of stream_options may name both: the inner ones come first.
constexpr std::array kNamedFields = {
    NamedField{"continuous_usage_stats", RequestField::kContinuousUsage},
    NamedField{"include_usage", RequestField::kIncludeUsage},
    NamedField{"stream_options", RequestField::kIncludeUsage},
    NamedField{"ignore_eos", RequestField::kIgnoreEos},
    NamedField{"min_tokens", RequestField::kMinTokens},
};

}  // namespace

std::string render_request(const EndpointSpec& endpoint, const std::string& model,
                           const std::vector<RequestField>& fields, const Prompt& prompt) {
  const auto asked = [&](RequestField field) {
    return std::find(fields.begin(), fields.end(), field) != fields.end();
  };
  OrderedJson body = OrderedJson::object();
  if (!model.empty()) body["model"] = model;
  if (endpoint.api == Api::kChat) {
    body["messages"] = chat_messages(prompt);
  } else {
    body["prompt"] = completions_prompt(prompt);
  }
  if (prompt.planned_output_tokens > 0) {
    body[endpoint.max_tokens_field] = prompt.planned_output_tokens;
    if (asked(RequestField::kMinTokens)) body["min_tokens"] = prompt.planned_output_tokens;
  }
  if (asked(RequestField::kIgnoreEos)) body["ignore_eos"] = true;
  body["stream"] = true;
  if (asked(RequestField::kIncludeUsage)) {
    body["stream_options"]["include_usage"] = true;
    if (asked(RequestField::kContinuousUsage)) {
      body["stream_options"]["continuous_usage_stats"] = true;
    }
  }
  const OrderedJson extra = OrderedJson::parse(endpoint.extra_body, nullptr, false);
  if (!extra.is_object()) {
    throw Error({.what = "extra_body is not a JSON object",
                 .where = "endpoint.extra_body",
                 .next = "write it as a map, for instance {temperature: 0}"});
  }
  body.merge_patch(extra);
  return body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string path_of(Api api) {
  switch (api) {
    case Api::kChat:
      return "/chat/completions";
    case Api::kCompletions:
      return "/completions";
  }
  return {};
}

std::optional<RequestField> refused_field(int status, std::string_view body) {
  if (!is_refusal(status)) return std::nullopt;
  const ServerError error = read_server_error(body);
  // What the server names as the cause counts before what its sentence mentions.
  for (const std::string_view text : {std::string_view(error.field), without_echo(error.message)}) {
    for (const NamedField& named : kNamedFields) {
      if (find_word(text, named.name) != std::string_view::npos) return named.field;
    }
  }
  return std::nullopt;
}

std::optional<std::string> renamed_max_tokens_field(int status, std::string_view body,
                                                    std::string_view current) {
  if (!is_refusal(status)) return std::nullopt;
  const ServerError error = read_server_error(body);
  const std::string_view message = without_echo(error.message);
  if (error.field != current && find_word(message, current) == std::string_view::npos) {
    return std::nullopt;
  }
  for (std::string_view name : {"max_completion_tokens", "max_tokens", "max_new_tokens"}) {
    const bool offered = find_word(message, name) != std::string_view::npos;
    if (name != current && offered) return std::string(name);
  }
  return std::nullopt;
}

}  // namespace llmsweep

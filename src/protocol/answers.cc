#include "llmsweep/protocol/answers.h"

#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "protocol/error_text.h"
#include "protocol/json_outline.h"

namespace llmsweep {
namespace {

using Json = nlohmann::json;

Json parse_list_or_object(std::string_view body, const char* what, const Redactor& secrets) {
  Json root = Json::parse(body, nullptr, false);
  if (root.is_structured()) return root;
  throw Error({.what = std::string("the server's answer to ") + what +
                       " is not a JSON object: " + secrets.excerpt(body, 120)});
}

Json parse_object(std::string_view body, const char* what, const Redactor& secrets) {
  Json root = parse_list_or_object(body, what, secrets);
  if (root.is_object()) return root;
  throw Error({.what = std::string("the server's answer to ") + what +
                       " is not a JSON object: " + secrets.excerpt(body, 120)});
}

// The member at the end of `path`, or null.
const Json& at(const Json& root, std::initializer_list<const char*> path) {
  static const Json kNone;
  const Json* value = &root;
  for (const char* key : path) {
    if (!value->is_object()) return kNone;
    const auto found = value->find(key);
    if (found == value->end()) return kNone;
    value = &*found;
  }
  return *value;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<int64_t> count_of(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto count = value.get<int64_t>();
  return count < 0 ? std::nullopt : std::optional(count);
}

// How many tokens a model takes, in and out together.
std::optional<int64_t> context_of(const Json& model) {
  for (const char* key : {"max_model_len", "context_length", "context_window", "max_context_length",
                          "max_context_tokens"}) {
    if (const auto tokens = count_of(at(model, {key}))) return tokens;
  }
  return count_of(at(model, {"meta", "n_ctx"}));
}

}  // namespace

PlainAnswer parse_plain_answer(std::string_view body) {
  const Json root = parse_object(body, "a completion", {});
  PlainAnswer answer{
      .model = text_of(at(root, {"model"})),
      .input_tokens = count_of(at(root, {"usage", "prompt_tokens"})),
      .output_tokens = count_of(at(root, {"usage", "completion_tokens"})),
      .cached_tokens = count_of(at(root, {"usage", "prompt_tokens_details", "cached_tokens"}))};
  const Json& choices = at(root, {"choices"});
  if (!choices.is_array() || choices.empty()) return answer;
  const Json& choice = choices.front();
  answer.finish_reason = text_of(at(choice, {"finish_reason"}));
  answer.text = text_of(at(choice, {"message", "content"}));
  for (const char* key : {"reasoning_content", "reasoning"}) {
    if (answer.text.empty()) answer.text = text_of(at(choice, {"message", key}));
  }
  if (answer.text.empty()) answer.text = text_of(at(choice, {"text"}));
  return answer;
}

std::vector<ModelInfo> parse_models(std::string_view body, const Redactor& secrets) {
  std::vector<ModelInfo> models;
  const Json root = parse_list_or_object(body, "/v1/models", secrets);
  const Json* list = root.is_array() ? &root : &at(root, {"data"});
  if (!list->is_array()) list = &at(root, {"models"});
  if (!list->is_array()) return models;
  for (const Json& entry : *list) {
    ModelInfo model{.id = text_of(entry)};
    for (const char* key : {"id", "name", "model"}) {
      if (model.id.empty()) model.id = text_of(at(entry, {key}));
    }
    if (model.id.empty()) continue;
    model.max_tokens = context_of(entry);
    models.push_back(std::move(model));
  }
  return models;
}

std::vector<int32_t> parse_token_ids(std::string_view body) {
  const Json root = Json::parse(body, nullptr, false);
  const Json& list = root.is_array() ? root : at(root, {"tokens"});
  if (!list.is_array()) {
    throw Error({.what = "the server's answer to /tokenize has no list of tokens: " +
                         json_outline(body, 120)});
  }
  std::vector<int32_t> ids;
  ids.reserve(list.size());
  for (const Json& entry : list) {
    const std::optional<int64_t> id = count_of(entry.is_object() ? at(entry, {"id"}) : entry);
    if (!id || *id > std::numeric_limits<int32_t>::max()) {
      throw Error(
          {.what = "the server's answer to /tokenize holds something that is no token id: " +
                   json_outline(body, 120)});
    }
    ids.push_back(static_cast<int32_t>(*id));
  }
  return ids;
}

std::string error_message_of(std::string_view body) {
  return read_server_error(body).message;
}

}  // namespace llmsweep

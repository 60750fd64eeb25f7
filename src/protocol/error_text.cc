#include "protocol/error_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "protocol/spelling.h"

namespace llmsweep {
namespace {

using Json = nlohmann::json;

constexpr size_t kShown = 300;
constexpr int kMaxErrorDepth = 16;  // what lies deeper is dropped: dump() recurses

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const Json* value) {
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number_integer()) return std::to_string(value->get<int64_t>());
  return {};
}

std::string dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// FastAPI's {"detail": [{"loc": ["body", "min_tokens"], "msg": "…"}]}.
ServerError read_detail(const Json& detail) {
  if (detail.is_string()) return {.message = detail.get<std::string>()};
  if (!detail.is_array()) return {.message = dumped(detail)};
  ServerError error;
  for (const Json& entry : detail) {
    const std::string message = text_of(member(entry, "msg"));
    std::string field;
    if (const Json* location = member(entry, "loc"); location != nullptr && location->is_array()) {
      for (const Json& part : *location) {
        const std::string name = text_of(&part);
        if (name == "body" && field.empty()) continue;
        field += (field.empty() ? "" : ".") + name;
      }
    }
    if (error.field.empty()) error.field = field;
    if (!error.message.empty()) error.message += "; ";
    if (!field.empty()) error.message.append(field).append(": ");
    error.message += message;
  }
  return error;
}

bool says_something(const Json& value) {
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  if (value.is_boolean()) return value.get<bool>();
  return !value.is_null();
}

bool is_bad_code(const Json& value) {
  if (value.is_number_integer()) return value != 0 && value != 200;
  if (!value.is_string()) return false;
  constexpr Spellings kGood({"0", "200", "ok", "success"});
  const std::string& text = value.get_ref<const std::string&>();
  return !text.empty() && !kGood.has(text);
}

// The words of a failure wherever a gateway puts them and however it spells the key: the text under
// a name of failures; in it, or beside a code that is bad, the text under a name of words. Texts of
// other names may be a model's own, and are not looked at.
std::string find_words(const Json& value, bool failed) {
  constexpr Spellings kEnvelopes({"header", "status", "result", "response", "resp", "body",
                                  "baseresp", "output", "data", "meta"});
  if (failed && value.is_string()) return value.get<std::string>();
  if (value.is_array() && !value.empty()) return find_words(value.front(), failed);
  if (!value.is_object()) return {};
  for (const auto& [key, inner] : value.items()) {
    failed |= kCodeNames.has(key) && is_bad_code(inner);
  }
  for (const std::string_view name : kWordNames) {
    for (const auto& [key, inner] : value.items()) {
      const bool words = failed && inner.is_string() && is_spelt(key, name);
      if (words && says_something(inner)) return inner.get<std::string>();
    }
  }
  for (const auto& [key, inner] : value.items()) {
    const bool failure = kFailureNames.has(key) && says_something(inner);
    const bool envelope = inner.is_structured() && kEnvelopes.has(key);
    if (!failure && !envelope) continue;
    std::string words = find_words(inner, failed || failure);
    if (words.empty() && failure && inner.is_object() && !inner.empty()) words = dumped(inner);
    if (!words.empty()) return words;
  }
  return {};
}

ServerError read_object(const Json& object) {
  ServerError error{.message = text_of(member(object, "message")),
                    .kind = text_of(member(object, "type")),
                    .field = text_of(member(object, "param"))};
  if (error.kind.empty()) error.kind = text_of(member(object, "code"));
  if (error.message.empty()) error.message = find_words(object, true);
  if (error.message.empty()) error.message = dumped(object);
  return error;
}

// `error` of an object, where it says something.
const Json* error_in(const Json* object) {
  if (object == nullptr) return nullptr;
  if (!object->is_object()) return nullptr;
  for (const auto& [key, error] : object->items()) {
    if (is_spelt(key, "error") && says_something(error)) return &error;
  }
  return nullptr;
}

// The root's `error`, or that of a choice.
const Json* find_error(const Json& root) {
  if (const Json* error = error_in(&root)) return error;
  const Json* choices = member(root, "choices");
  if (choices == nullptr || !choices->is_array()) return nullptr;
  for (const Json& choice : *choices) {
    if (const Json* error = error_in(&choice)) return error;
    if (const Json* error = error_in(member(choice, "delta"))) return error;
  }
  return nullptr;
}

// The words of gateways that have no `error`.
ServerError read_gateway(const Json& root) {
  constexpr std::array<const char*, 9> kMessages = {"error_msg", "error_message", "errorMessage",
                                                    "err_msg",   "errmsg",        "errMsg",
                                                    "msg",       "status_msg",    "exception"};
  for (const char* key : kMessages) {
    if (std::string message = text_of(member(root, key)); !message.empty()) {
      return {.message = std::move(message)};
    }
  }
  if (const Json* errors = member(root, "errors"); errors != nullptr) {
    const Json* first = errors->is_array() && !errors->empty() ? &errors->front() : errors;
    return first->is_object() ? read_object(*first) : ServerError{.message = text_of(first)};
  }
  if (const Json* inner = member(root, "base_resp"))
    return {.message = text_of(member(*inner, "status_msg"))};
  if (const Json* fault = member(root, "fault"))
    return {.message = text_of(member(*fault, "faultstring"))};
  return {};
}

ServerError read_root(const Json& root) {
  if (root.is_string()) return {.message = root.get<std::string>()};
  if (const Json* error = find_error(root)) {
    if (error->is_object()) return read_object(*error);
    std::string message = text_of(error->is_string() ? error : member(root, "message"));
    if (message.empty()) message = dumped(*error);
    return {.message = std::move(message), .kind = text_of(member(root, "error_type"))};
  }
  if (const Json* detail = member(root, "detail")) return read_detail(*detail);
  const Json* message = member(root, "message");  // of an answer it is an object
  if (message != nullptr && message->is_string()) return read_object(root);
  ServerError error = root.is_object() ? read_gateway(root) : ServerError{};
  if (error.message.empty()) error.message = find_words(root, false);
  return error;
}

bool is_page(std::string_view body) {
  constexpr std::array<std::string_view, 5> kBegins = {"<!doctype html", "<!DOCTYPE html",
                                                       "<!DOCTYPE HTML", "<html", "<HTML"};
  return std::any_of(kBegins.begin(), kBegins.end(),
                     [body](std::string_view begin) { return body.starts_with(begin); });
}

// What a page of a proxy or a gateway says: its text, or its title where it has one.
std::string text_of_page(std::string_view page) {
  constexpr std::string_view kTitle = "<title>";
  const size_t title = page.find(kTitle);
  if (title != std::string_view::npos) {
    page.remove_prefix(title + kTitle.size());
    page = page.substr(0, page.find("</title>"));
  }
  std::string text;
  bool in_tag = false;
  for (const char c : page) {
    if (c == '<') in_tag = true;
    const bool space = in_tag || static_cast<unsigned char>(c) <= ' ';
    if (!space) text += c;
    if (space && !text.empty() && text.back() != ' ') text += ' ';
    if (c == '>') in_tag = false;
  }
  return text;
}

}  // namespace

ServerError read_server_error(std::string_view json) {
  const auto shallow = [](int depth, Json::parse_event_t, Json&) {
    return depth <= kMaxErrorDepth;
  };
  const Json root = Json::parse(json, shallow, false);
  if (root.is_discarded()) return {};
  const bool listed = root.is_array() && !root.empty() && root.front().is_object();
  return read_root(listed ? root.front() : root);
}

std::string describe_server_error(std::string_view body, const Redactor& secrets) {
  const ServerError error = read_server_error(body);
  if (error.message.empty()) {
    if (!is_page(trim(body))) return secrets.excerpt(trim(body), kShown);
    const std::string text = text_of_page(body);
    return secrets.excerpt(trim(text.empty() ? body : std::string_view(text)), kShown);
  }
  std::string text = secrets.excerpt(trim(error.message), kShown);
  if (!error.kind.empty()) text += " (" + secrets.excerpt(error.kind, 80) + ")";
  return text;
}

}  // namespace llmsweep

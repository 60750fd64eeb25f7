// The members of a request's body, read strictly: what has the wrong type or value is refused by
// name. Every function throws ApiFailure.
//
// Whoever includes it includes simdjson.h itself: that is how a unity build knows to leave it out.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/api_request.h"

namespace llmsweep::sim {

[[noreturn]] void refuse(std::string message, std::string param = {});

std::optional<simdjson::dom::element> member(const simdjson::dom::object& object,
                                             std::string_view key);
// Where it is given, and not null.
std::optional<simdjson::dom::element> given(const simdjson::dom::object& object,
                                            std::string_view key);
simdjson::dom::element required(const simdjson::dom::object& object, const char* key);
bool flag(const simdjson::dom::object& object, const char* key);
std::optional<int64_t> whole(const simdjson::dom::object& object, const char* key, int64_t min);

// All that chat and completions have in common.
void read_openai_options(const simdjson::dom::object& root, ApiRequest& request);
// Of those what other APIs have too: model, stream, seed, the length (`limit` is its key) and what
// keeps the answer at it.
void read_common_options(const simdjson::dom::object& root, const char* limit, ApiRequest& request);

// A message's `content`, a conversation under `key`, a completion's `prompt`.
void add_content(const simdjson::dom::element& content, const char* key, PromptTokens& prompt);
void add_messages(const simdjson::dom::element& value, const char* key, const TokenProfile& tokens,
                  PromptTokens& prompt);
// A conversation of one text.
void add_message(std::string_view role, std::string_view text, const TokenProfile& tokens,
                 PromptTokens& prompt);
void add_prompt(const simdjson::dom::element& value, PromptTokens& prompt);
// `key` is where its text was to be.
void refuse_empty(const PromptTokens& prompt, const char* key);

}  // namespace llmsweep::sim

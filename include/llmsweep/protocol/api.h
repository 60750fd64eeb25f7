// What the rest of the program has to know of the APIs that a server may speak. Pure.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "llmsweep/model/spec.h"

namespace llmsweep {

struct ApiTraits {
  std::string_view path;         // below the endpoint's URL: "/chat/completions"
  bool takes_messages = false;   // a conversation is sent as it is, else joined to one text
  bool takes_token_ids = false;  // in place of a text
  // Of every request, beside those that all APIs have: {name, value}.
  std::span<const std::pair<std::string_view, std::string_view>> headers = {};
};

const ApiTraits& traits_of(Api api);

}  // namespace llmsweep

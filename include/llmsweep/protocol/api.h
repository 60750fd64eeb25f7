// What the rest of the program has to know of the APIs that a server may speak. Pure.
#pragma once

#include <string_view>

#include "llmsweep/model/spec.h"

namespace llmsweep {

struct ApiTraits {
  std::string_view path;         // below the endpoint's URL: "/chat/completions"
  bool takes_messages = false;   // a conversation is sent as it is, else joined to one text
  bool takes_token_ids = false;  // in place of a text
};

const ApiTraits& traits_of(Api api);

}  // namespace llmsweep

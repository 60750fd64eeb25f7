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
  bool takes_images = false;     // beside the text of a message
  // Its servers read over fields that they do not know, as ignore_eos, in place of refusing them.
  bool may_ignore_fields = false;
  // False: its answers are results for texts, in one piece, and not tokens in a stream.
  bool generates = true;
  int64_t inputs = 0;  // of a request that does not say how many; 0: it is one prompt
  // Of every request, beside those that all APIs have: {name, value}.
  std::span<const std::pair<std::string_view, std::string_view>> headers = {};
};

const ApiTraits& traits_of(Api api);

// Prompt::inputs of each request.
int64_t inputs_of(Api api, const WorkloadSpec& workload);
// Whether usage's input tokens are those of the prompt and as many more of a template, the same for
// each request. They are not where a prompt is cut into several texts, or has images.
bool counts_exactly(Api api, const WorkloadSpec& workload);

}  // namespace llmsweep

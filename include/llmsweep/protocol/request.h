// Renders request bodies. Pure.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/prompt.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// The JSON body that asks for `prompt.planned_output_tokens` tokens, streamed. `fields` are the
// request fields to send (the spec's less those the server refused). `endpoint.extra_body` is
// merged last and wins. prompt.ids is only allowed with the completions API.
std::string render_request(const EndpointSpec& endpoint, const std::string& model,
                           const std::vector<RequestField>& fields, const Prompt& prompt);

// "/chat/completions" or "/completions".
std::string path_of(Api api);

}  // namespace llmsweep

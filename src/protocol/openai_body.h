// The members of a request that chat and completions have in common.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "protocol/api_dialect.h"

namespace llmsweep {

// The length (under endpoint.max_tokens_field), `stream`, and the optional fields that are to be
// sent, in the order in which a body has always had them.
void write_openai_options(const RequestParts& parts, nlohmann::ordered_json& body);

}  // namespace llmsweep

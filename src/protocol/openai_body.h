// The members of a request that several APIs have in common.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "protocol/api_dialect.h"

namespace llmsweep {

// The length, as `limit`, and what keeps a server at it: of the optional fields ignore_eos and
// min_tokens, which no API's standard has and many servers take.
void write_length(const RequestParts& parts, const std::string& limit,
                  nlohmann::ordered_json& body);

// The prompt as one text: a conversation's contents joined by LF.
std::string joined_text(const Prompt& prompt);

// The length (under endpoint.max_tokens_field), `stream`, and the optional fields that are to be
// sent, in the order in which a body has always had them.
void write_openai_options(const RequestParts& parts, nlohmann::ordered_json& body);

}  // namespace llmsweep

// Renders request bodies, and reads which of their fields a server refused. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/prompt.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// The JSON body that asks for `prompt.planned_output_tokens` tokens, streamed (0: no limit is
// sent). Chat: one user message, or prompt.messages, contents as plain strings. Completions: the
// text (contents of prompt.messages joined by LF), or prompt.ids.
//
// `fields` are the request fields to send (the spec's less those the server refused).
// kContinuousUsage is sent only next to kIncludeUsage, inside the same stream_options.
// `endpoint.extra_body` is merged last and wins (RFC 7386: member by member, null removes).
// Bytes of a prompt that are not UTF-8 become U+FFFD. Throws Error for ids with an API that
// takes none and for an extra_body that is no JSON object.
std::string render_request(const EndpointSpec& endpoint, const std::string& model,
                           const std::vector<RequestField>& fields, const Prompt& prompt);

// "/chat/completions", say: traits_of(api).path.
std::string path_of(Api api);

// Which optional field a refusal (400 or 422) names, so that the check before the run can drop it
// and try again; nothing where it names none. kIncludeUsage for `stream_options` as a whole.
std::optional<RequestField> refused_field(int status, std::string_view body);

// Where a refusal (400 or 422) says that the length limit goes by another name ("max_tokens is not
// supported, use max_completion_tokens"): that name. `current` is what was sent.
std::optional<std::string> renamed_max_tokens_field(int status, std::string_view body,
                                                    std::string_view current);

// How many output tokens a refusal (400 or 422) of the length limit wants at least; nothing where
// it is about something else.
std::optional<int64_t> fewest_output_tokens(int status, std::string_view body,
                                            std::string_view max_tokens_field);

}  // namespace llmsweep

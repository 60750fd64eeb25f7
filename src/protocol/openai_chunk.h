// The chunks of OpenAI's streams: {"id", "choices": [{"delta" or "text", "finish_reason"}],
// "usage"}, and "[DONE]" at the end.
//
// Chat and completions are read alike, each as tolerantly as the other: servers have sent `text` to
// chats, and `delta` to completions.
#pragma once

#include <array>
#include <string_view>

#include "protocol/api_dialect.h"

namespace llmsweep {

inline constexpr ApiWords kOpenaiWords = {
    .standard = "OpenAI", .answer_key = "choices", .end = "[DONE]"};

inline constexpr std::array<std::string_view, 4> kOpenaiMeaningful = {"finish_reason", "object",
                                                                      "error", "role"};
inline constexpr ChunkKeys kOpenaiKeys = {.meaningful = kOpenaiMeaningful,
                                          .id = "id",
                                          .prompt_tokens = "prompt_tokens",
                                          .completion_tokens = "completion_tokens",
                                          .cached_tokens = "cached_tokens"};

bool take_done(const SseEvent& event, std::string_view& payload);
void read_openai_chunk(const simdjson::dom::object& object, Chunk& chunk);

}  // namespace llmsweep

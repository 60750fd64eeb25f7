// The chunks of OpenAI's streams: {"id", "choices": [{"delta" or "text", "finish_reason"}],
// "usage"}, and "[DONE]" at the end.
//
// Chat and completions are read alike, each as tolerantly as the other: servers have sent `text` to
// chats, and `delta` to completions.
#pragma once

#include <array>
#include <string_view>

#include "protocol/api_dialect.h"
#include "protocol/usage_names.h"

namespace llmsweep {

inline constexpr ApiWords kOpenaiWords = {
    .standard = "OpenAI", .answer_key = "choices", .end = "[DONE]"};

inline constexpr std::array<std::string_view, 11> kOpenaiMeaningful = {
    "finish_reason", "finishReason", "done_reason", "object", "error", "role",
    "type",          "status_code",  "model",       "code",   "status"};
// In which servers stream what a model thinks, as text or as a list of parts.
inline constexpr std::array<std::string_view, 13> kOpenaiThoughts = {
    "reasoning_content", "reasoning", "reasoning_details", "reasoning_text",
    "reasoning_summary", "thinking",  "thinking_content",  "thinking_blocks",
    "thinking_delta",    "thought",   "thoughts",          "thought_content",
    "chain_of_thought"};
inline constexpr std::array<std::string_view, 16> kOpenaiOutput = {
    "content",          "text",     "reasoning_content", "reasoning",
    "reasoning_text",   "thinking", "reasoning_summary", "thinking_content",
    "thinking_delta",   "thought",  "thoughts",          "thought_content",
    "chain_of_thought", "refusal",  "arguments",         "name"};
inline constexpr ChunkKeys kOpenaiKeys = {.meaningful = kOpenaiMeaningful,
                                          .id = "id",
                                          .model = "model",
                                          .output = kOpenaiOutput,
                                          .counts = kUsageKeys};

bool take_done(const SseEvent& event, std::string_view& payload);
void read_openai_chunk(const simdjson::dom::object& object, Chunk& chunk);

}  // namespace llmsweep

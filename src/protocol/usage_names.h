// The names under which servers report counts of tokens.
#pragma once

#include <array>

#include "protocol/api_dialect.h"
#include "protocol/chunk.h"

namespace llmsweep {

// All names of a count. OpenAI's first, which nearly all servers use; then those of other servers
// and gateways.
inline constexpr std::array kUsageKeys = {
    CountKey{"prompt_tokens", &Chunk::prompt_tokens},
    CountKey{"completion_tokens", &Chunk::completion_tokens},
    CountKey{"total_tokens", &Chunk::total_tokens},
    CountKey{"cached_tokens", &Chunk::cached_tokens},
    CountKey{"reasoning_tokens", &Chunk::reasoning_tokens},
    CountKey{"input_tokens", &Chunk::prompt_tokens},
    CountKey{"output_tokens", &Chunk::completion_tokens},
    CountKey{"promptTokens", &Chunk::prompt_tokens},
    CountKey{"completionTokens", &Chunk::completion_tokens},
    CountKey{"totalTokens", &Chunk::total_tokens},
    CountKey{"inputTokens", &Chunk::prompt_tokens},
    CountKey{"outputTokens", &Chunk::completion_tokens},
    CountKey{"promptTokenCount", &Chunk::prompt_tokens},
    CountKey{"candidatesTokenCount", &Chunk::completion_tokens},
    CountKey{"totalTokenCount", &Chunk::total_tokens},
    CountKey{"thoughtsTokenCount", &Chunk::reasoning_tokens},
    CountKey{"cachedContentTokenCount", &Chunk::cached_tokens},
    CountKey{"prompt_token_count", &Chunk::prompt_tokens},
    CountKey{"completion_token_count", &Chunk::completion_tokens},
    CountKey{"input_token_count", &Chunk::prompt_tokens},
    CountKey{"output_token_count", &Chunk::completion_tokens},
    CountKey{"prompt_eval_count", &Chunk::prompt_tokens},
    CountKey{"eval_count", &Chunk::completion_tokens},
    CountKey{"num_prompt_tokens", &Chunk::prompt_tokens},
    CountKey{"num_input_tokens", &Chunk::prompt_tokens},
    CountKey{"num_completion_tokens", &Chunk::completion_tokens},
    CountKey{"num_output_tokens", &Chunk::completion_tokens},
    CountKey{"generated_tokens", &Chunk::completion_tokens},
    CountKey{"num_cached_tokens", &Chunk::cached_tokens},
    CountKey{"prompt_cache_hit_tokens", &Chunk::cached_tokens},
    CountKey{"cache_read_input_tokens", &Chunk::cached_tokens},
    CountKey{"cache_read_tokens", &Chunk::cached_tokens},
    CountKey{"cached_prompt_tokens", &Chunk::cached_tokens},
    CountKey{"prompt_cached_tokens", &Chunk::cached_tokens},
    CountKey{"cached_input_tokens", &Chunk::cached_tokens},
    CountKey{"cache_hit_tokens", &Chunk::cached_tokens},
    CountKey{"cachedTokens", &Chunk::cached_tokens},
    CountKey{"thinking_tokens", &Chunk::reasoning_tokens},
    CountKey{"reasoningTokens", &Chunk::reasoning_tokens},
    CountKey{"completion_reasoning_tokens", &Chunk::reasoning_tokens},
};

}  // namespace llmsweep

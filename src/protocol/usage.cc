#include "protocol/usage.h"

#include <simdjson.h>

#include <algorithm>

#include "protocol/json_values.h"
#include "protocol/usage_names.h"

namespace llmsweep {

namespace dom = simdjson::dom;

namespace {

const CountKey* find_key(std::string_view key) {
  const auto* const known =
      std::find_if(kUsageKeys.begin(), kUsageKeys.end(),
                   [key](const CountKey& candidate) { return candidate.key == key; });
  return known == kUsageKeys.end() ? nullptr : known;
}

bool is_details(std::string_view key) {
  return key.ends_with("_details") || key.ends_with("Details");
}

// Of details only what the whole does not say: a prompt's may hold `text_tokens`, an output's too.
void read_details(const dom::object& details, Chunk& chunk) {
  for (auto [key, member] : details) {
    const CountKey* const known = find_key(key);
    if (known == nullptr) continue;
    if (known->count == &Chunk::cached_tokens || known->count == &Chunk::reasoning_tokens) {
      read_count(member, chunk.*known->count);
    }
  }
}

}  // namespace

void read_usage(const dom::element& value, Chunk& chunk) {
  dom::object usage;
  if (value.get(usage) != simdjson::SUCCESS) return;
  for (auto [key, member] : usage) {
    dom::object details;
    if (member.get(details) != simdjson::SUCCESS) {
      if (const CountKey* const known = find_key(key)) read_count(member, chunk.*known->count);
    } else if (is_details(key)) {
      read_details(details, chunk);
    }
  }
}

void read_timings(dom::element value, Chunk& chunk, Chunk& counts) {
  dom::object timings;
  if (value.get(timings) != simdjson::SUCCESS) return;
  for (auto [key, member] : timings) {
    if (key == "prompt_ms") read_milliseconds(member, chunk.server_prefill_us);
    if (key == "predicted_ms") read_milliseconds(member, chunk.server_decode_us);
    if (key == "predicted_n") read_count(member, counts.completion_tokens);
    if (key == "prompt_n") read_count(member, counts.prompt_tokens);
    if (key == "cache_n") read_count(member, counts.cached_tokens);
  }
  if (!counts.prompt_tokens || !counts.cached_tokens) {
    counts.prompt_tokens.reset();  // without what the cache held
  } else {
    *counts.prompt_tokens += *counts.cached_tokens;
  }
}

void read_nested_usage(const dom::object& object, Chunk& chunk) {
  for (auto [key, member] : object) {
    if (key == "usage") read_usage(member, chunk);
  }
}

}  // namespace llmsweep

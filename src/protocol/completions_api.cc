// POST /completions
#include "protocol/api_dialect.h"

#include <nlohmann/json.hpp>

#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"

namespace llmsweep {
namespace {

void write_completions_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  const Prompt& prompt = parts.prompt;
  if (!prompt.ids.empty()) {
    body["prompt"] = prompt.ids;
  } else {
    body["prompt"] = joined_text(prompt);
  }
  write_openai_options(parts, body);
}

}  // namespace

const ApiDialect kCompletionsApi = {
    .traits = {.path = "/completions", .takes_token_ids = true},
    .words = kOpenaiWords,
    .write_body = write_completions_body,
    .take_end = take_done,
    .read_chunk = read_openai_chunk,
    .keys = kOpenaiKeys,
};

}  // namespace llmsweep

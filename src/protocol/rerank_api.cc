// POST /rerank: as Cohere and Jina have it, and vLLM, SGLang and llama.cpp serve it. No stream:
// {"results": [{"index", "relevance_score"}], "usage": {"total_tokens"}}.
#include "protocol/api_dialect.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/chunk.h"
#include "protocol/input_texts.h"
#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"
#include "protocol/result_list.h"

namespace llmsweep {
namespace {

namespace dom = simdjson::dom;

void write_rerank_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  const std::string text = joined_text(parts.prompt);
  std::vector<std::string_view> texts = cut_into_query_and_documents(text, parts.prompt.inputs);
  body["query"] = texts.front();
  texts.erase(texts.begin());
  body["top_n"] = texts.size();
  body["documents"] = std::move(texts);
}

bool is_scored(const dom::object& item) {
  for (const char* key : {"relevance_score", "score"}) {
    dom::element score;
    if (item.at_key(key).get(score) == simdjson::SUCCESS && score.is_number()) return true;
  }
  return false;
}

void read_rerank(const dom::object& answer, Chunk& chunk) {
  read_result_list(answer, "results", is_scored, chunk);
  // Query and documents together; some servers say it under this name alone.
  if (!chunk.prompt_tokens) chunk.prompt_tokens = chunk.total_tokens;
}

}  // namespace

const ApiDialect kRerankApi = {
    .traits = {.path = "/rerank", .generates = false, .inputs = 10},
    .words = {.standard = "rerank",
              .answer_key = "results",
              .end = "the end of the answer",
              .result = "score"},
    .write_body = write_rerank_body,
    .take_end = take_done,
    .read_chunk = read_rerank,
    .keys = kOpenaiKeys,
};

}  // namespace llmsweep

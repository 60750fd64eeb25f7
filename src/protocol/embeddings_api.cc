// POST /embeddings: OpenAI's reference of it, as vLLM, SGLang, llama.cpp and TEI serve it. No
// stream: {"data": [{"embedding": [0.1, …] or base64, "index"}], "usage": {"prompt_tokens"}}.
#include "protocol/api_dialect.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>

#include "protocol/chunk.h"
#include "protocol/input_texts.h"
#include "protocol/json_values.h"
#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"
#include "protocol/result_list.h"

namespace llmsweep {
namespace {

namespace dom = simdjson::dom;

void write_embeddings_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  const std::string text = joined_text(parts.prompt);
  const auto texts = cut_into_inputs(text, parts.prompt.inputs);
  if (texts.size() == 1) {
    body["input"] = text;
  } else {
    body["input"] = texts;
  }
}

bool is_vector(const dom::object& item) {
  dom::element vector;
  dom::array numbers;
  if (item.at_key("embedding").get(vector) != simdjson::SUCCESS) return false;
  if (vector.get(numbers) == simdjson::SUCCESS) return numbers.begin() != numbers.end();
  return !text_of(vector).empty();
}

void read_embeddings(const dom::object& answer, Chunk& chunk) {
  read_result_list(answer, "data", is_vector, chunk);
}

}  // namespace

const ApiDialect kEmbeddingsApi = {
    .traits = {.path = "/embeddings", .generates = false, .inputs = 1},
    .words = {.standard = "OpenAI embeddings",
              .answer_key = "data",
              .end = "the end of the answer",
              .result = "vector"},
    .write_body = write_embeddings_body,
    .take_end = take_done,
    .read_chunk = read_embeddings,
    .keys = kOpenaiKeys,
};

}  // namespace llmsweep

// Reads the plain (not streamed) JSON answers that the check before a run asks for. Pure.
//
// Foreign text: a member that is missing or of another type is left empty, it is no error. Text
// that is no JSON object at all throws Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/redactor.h"

namespace llmsweep {

// A chat or text completion that was not streamed.
struct PlainAnswer {
  std::string text;  // of the first choice: content, else reasoning, else text
  std::string model;
  std::string finish_reason;
  std::optional<int64_t> input_tokens;
  std::optional<int64_t> output_tokens;
  std::optional<int64_t> cached_tokens;
};
PlainAnswer parse_plain_answer(std::string_view body);

// One entry of GET /v1/models, of its "data" or of a bare list (Together).
struct ModelInfo {
  std::string id;
  std::optional<int64_t> max_tokens;  // the context length, where the server says it

  bool operator==(const ModelInfo&) const = default;
};
// `secrets` are in no error text.
std::vector<ModelInfo> parse_models(std::string_view body, const Redactor& secrets = {});

// The ids of a POST /tokenize answer: {"tokens": [1, 2]} (vLLM, SGLang, llama.cpp) or
// [{"id": 1}, …] (llama.cpp with pieces, TGI). Throws Error where there is no such list.
std::vector<int32_t> parse_token_ids(std::string_view body);

// The message of an error body in any of the shapes that servers use ({"error": {"message"}},
// {"error": "text"}, {"object": "error", "message"}, {"detail": …}); empty where it has none.
// As the server sent it: pass it through printable() before showing it.
std::string error_message_of(std::string_view body);

}  // namespace llmsweep

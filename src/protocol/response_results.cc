// The answers of APIs that do not generate: one JSON object each, whole or nothing.
#include "llmsweep/protocol/response.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "llmsweep/base/text.h"
#include "protocol/api_dialect.h"
#include "protocol/chunk.h"
#include "protocol/error_text.h"
#include "protocol/json_outline.h"

namespace llmsweep {
namespace {

constexpr size_t kShownOfAnswer = 120;

}  // namespace

void ResponseReader::settle_results(Instant at, ChunkParser& parser) {
  const std::string_view answer = trim(texts_->plain);
  const auto outline = [&] {
    return secrets_.excerpt(json_outline(answer, kShownOfAnswer), kShownOfAnswer);
  };
  const auto fail = [&](std::string error) {
    settle(Outcome::kProtocolError, std::move(error), at);
  };
  if (answer.empty()) return fail("the answer is empty");
  if (answer.front() != '{') {
    const std::string type =
        texts_->content_type.empty() ? "no Content-Type" : texts_->content_type;
    return fail("the answer is no JSON object (" + type + "): " +
                (answer.front() == '[' ? outline() : secrets_.excerpt(answer, kShownOfAnswer)));
  }
  Chunk chunk;
  if (const std::string_view problem = parser.parse(*api_, answer, chunk); !problem.empty()) {
    return fail("the answer is malformed (" + printable(problem, kShownOfAnswer) +
                "): " + outline());
  }
  if (chunk.error || (!chunk.results && !read_server_error(answer).message.empty())) {
    return fail("server error: " + describe_server_error(answer, secrets_));
  }
  record_->repaired_chunks += chunk.repaired ? 1 : 0;
  note_names(chunk);
  record_->input_tokens = chunk.prompt_tokens;
  record_->cached_tokens = chunk.cached_tokens;
  if (!chunk.results) {
    return fail(fmt::format("the answer has no {}; does {} speak the {} API? It is {}",
                            api_->words.answer_key, api_->traits.path, api_->words.standard,
                            outline()));
  }
  const auto counted = [&](int64_t count) {
    return fmt::format("{} {}{}", count, api_->words.result, count == 1 ? "" : "s");
  };
  const int64_t wanted = std::max<int64_t>(record_->inputs, 1);
  if (*chunk.results != wanted) {
    return fail(fmt::format("the answer has {}, {} {} requested", counted(*chunk.results), wanted,
                            wanted == 1 ? "was" : "were"));
  }
  if (chunk.empty_result) {
    return fail(fmt::format("{} {} of {} of the answer is empty", api_->words.result,
                            *chunk.empty_result, *chunk.results));
  }
  record_->last_token = last_read_->at;
  if (last_read_->received) record_->last_token_delay = last_read_->at - *last_read_->received;
  settle(Outcome::kOk, {}, at);
}

}  // namespace llmsweep

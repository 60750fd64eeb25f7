#include <cstdlib>
#include <memory>
#include <string>

#include "fuzz/targets.h"
#include "llmsweep/base/private_text.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/redactor.h"
#include "llmsweep/base/text.h"
#include "llmsweep/protocol/response.h"

namespace llmsweep {
namespace {

struct Response {
  int status = 200;
  std::string_view headers;
  std::string_view body;
};

Response parse(std::string_view input) {
  Response response{.body = input};
  const size_t end = input.find("\r\n\r\n");
  if (!input.starts_with("HTTP/1.1 ") || end == std::string_view::npos) return response;
  response.headers = input.substr(0, end + 4);
  response.body = input.substr(end + 4);
  response.status = static_cast<int>(parse_int(input.substr(9, 3)).value_or(200));
  return response;
}

// Every piece is copied to memory of its own size, so that a sanitizer sees a read beyond it.
RequestRecord read(Api api, const Response& response, size_t max_piece, ChunkParser& parser) {
  Random random(response.body.size());
  RequestRecord record;
  record.inputs = static_cast<int64_t>(response.body.size() % 3);
  static const Redactor kSecrets({"sk-0123456789abcdef"});
  ResponseReader reader(api, record, kSecrets);
  reader.headers(response.status, response.headers, from_ns(0));
  for (std::string_view rest = response.body; !rest.empty();) {
    const size_t size = max_piece == 0 ? rest.size() : 1 + random.below(max_piece);
    const std::string_view piece = rest.substr(0, size);
    const auto copy = std::make_unique<char[]>(piece.size());
    piece.copy(copy.get(), piece.size());
    reader.bytes({copy.get(), piece.size()}, from_ns(1), parser);
    rest.remove_prefix(piece.size());
  }
  reader.end(from_ns(2), parser);
  if (!reader.finished()) std::abort();
  return record;
}

void require(bool belief) {
  if (!belief) std::abort();
}

void require_sound(const RequestRecord& record) {
  require(record.end.has_value());
  require((record.outcome == Outcome::kOk) == record.error.empty());
  require(record.outcome != Outcome::kOk || record.chunks > 0);
  require(record.first_token.has_value() == (record.chunks > 0));
  require(record.last_token.has_value() == (record.chunks > 0));
  require(record.coalesced_chunks <= record.chunks);
  require(record.output_tokens >= 0);
  require(is_valid_utf8(record.error) && record.error.size() < 2'000);
}

void require_same(const RequestRecord& a, const RequestRecord& b) {
  require(a.outcome == b.outcome && a.error == b.error);
  require(a.chunks == b.chunks && a.coalesced_chunks == b.coalesced_chunks);
  require(a.output_tokens == b.output_tokens && a.token_source == b.token_source);
  require(a.first_chunk_tokens == b.first_chunk_tokens);
  require(a.input_tokens == b.input_tokens && a.cached_tokens == b.cached_tokens);
  require(a.finish_reason == b.finish_reason && a.response_id == b.response_id);
  require(a.first_answer_token == b.first_answer_token);
  require(a.first_choice == b.first_choice && a.last_choice == b.last_choice);
}

void fuzz(Api api, std::string_view input) {
  ChunkParser parser;
  const Response response = parse(input);
  const RequestRecord whole = read(api, response, 0, parser);
  require_sound(whole);
  std::string error = whole.error;
  hide_sent_text(error, {&response.body, 1});
  require(is_valid_utf8(error));
  for (size_t max_piece : {1, 5, 60}) require_same(read(api, response, max_piece, parser), whole);
}

// Of an API whose answer is no stream.
void fuzz_results(Api api, std::string_view input) {
  ChunkParser parser;
  const Response response = parse(input);
  const RequestRecord whole = read(api, response, 0, parser);
  require(whole.end.has_value() && whole.chunks == 0 && whole.output_tokens == 0);
  require((whole.outcome == Outcome::kOk) == whole.error.empty());
  require((whole.outcome == Outcome::kOk) == whole.last_token.has_value());
  require(!whole.first_token && whole.icl.empty() && whole.itl.empty());
  require(is_valid_utf8(whole.error) && whole.error.size() < 2'000);
  for (size_t max_piece : {1, 5, 60}) require_same(read(api, response, max_piece, parser), whole);
}

}  // namespace

void fuzz_stream(std::string_view input) {
  fuzz(Api::kChat, input);
}

void fuzz_responses_stream(std::string_view input) {
  fuzz(Api::kResponses, input);
}

void fuzz_messages_stream(std::string_view input) {
  fuzz(Api::kMessages, input);
}

void fuzz_embeddings_answer(std::string_view input) {
  fuzz_results(Api::kEmbeddings, input);
}

void fuzz_rerank_answer(std::string_view input) {
  fuzz_results(Api::kRerank, input);
}

}  // namespace llmsweep

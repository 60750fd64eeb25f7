#include "protocol/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "llmsweep/base/files.h"
#include "llmsweep/model/names.h"

namespace llmsweep::protocol_test {
namespace {

const std::string kFolder = std::string(LLMSWEEP_SOURCE_DIR) + "/tests/protocol/";

std::string joined_chunks(std::string_view chunked) {
  std::string body;
  while (true) {
    const size_t size =
        std::stoul(std::string(chunked.substr(0, chunked.find("\r\n"))), nullptr, 16);
    if (size == 0) return body;
    chunked.remove_prefix(chunked.find("\r\n") + 2);
    body += chunked.substr(0, size);
    chunked.remove_prefix(size + 2);
  }
}

Instant instant(int64_t ms) {
  return from_ns(1'000'000'000 + ms * 1'000'000);
}

std::string shown(const std::optional<Instant>& at) {
  return at ? std::to_string((to_ns(*at) - 1'000'000'000) / 1'000'000) : "-";
}

std::string shown(const std::optional<int64_t>& count) {
  return count ? std::to_string(*count) : "-";
}

std::string shown(const Histogram& histogram) {
  std::string text;
  for (const auto& [bucket, weight] : histogram.buckets()) {
    text += fmt::format(" {}x{}", Histogram::middle_of(bucket).count(), weight);
  }
  return text;
}

std::vector<size_t> ends_of_blank_lines(std::string_view body) {
  std::vector<size_t> ends;
  size_t line = 0;
  while (true) {
    size_t end = body.find_first_of("\r\n", line);
    if (end == std::string_view::npos) return ends;
    const bool blank = end == line;
    end += body.substr(end, 2) == "\r\n" ? 2 : 1;
    if (blank) ends.push_back(end);
    line = end;
  }
}

constexpr Api kText = Api::kCompletions;
constexpr Api kChat = Api::kChat;
constexpr Outcome kOk = Outcome::kOk;
constexpr Outcome kBad = Outcome::kProtocolError;
constexpr Outcome kHttp = Outcome::kHttpError;
constexpr TokenSource kUsage = TokenSource::kUsage;
constexpr TokenSource kChunks = TokenSource::kChunks;

}  // namespace

const std::vector<Expected>& expected_recordings() {
  // file, api, outcome, chunks, output_tokens, source, input, cached, finish_reason, error,
  // first_chunk_tokens
  static const std::vector<Expected> kExpected = {
      {"captures/llama-cpp-2026-09/chat_stream_usage", kChat, kOk, 8, 8, kUsage, 29, 0, "length"},
      {"captures/llama-cpp-2026-09/chat_stream_nousage",
       kChat,
       kOk,
       8,
       8,
       kChunks,
       {},
       {},
       "length"},
      {"captures/llama-cpp-2026-09/chat_stream_logprobs", kChat, kOk, 2, 2, kUsage, 29, 28,
       "length"},
      {"captures/llama-cpp-2026-09/chat_stream_max0", kChat, kOk, 1, 1, kUsage, 29, 28, "length"},
      {"captures/llama-cpp-2026-09/chat_stream_n2", kChat, kOk, 6, 3, kUsage, 29, 28, "length"},
      {"captures/llama-cpp-2026-09/chat_stream_raw_chunked", kChat, kOk, 3, 3, kUsage, 29, 28,
       "length"},
      {"captures/llama-cpp-2026-09/chat_stream_reasoning", kChat, kOk, 4, 4, kUsage, 23, 0,
       "length"},
      {"captures/llama-cpp-2026-09/chat_stream_return_progress",
       kChat,
       kOk,
       2,
       2,
       kChunks,
       {},
       {},
       "length"},
      // The tokens of the stop string have no chunk.
      {"captures/llama-cpp-2026-09/chat_stream_stop_string", kChat, kOk, 4, 5, kUsage, 29, 28,
       "stop"},
      {"captures/llama-cpp-2026-09/chat_stream_timings_per_token", kChat, kOk, 4, 4, kUsage, 29, 28,
       "length"},
      {"captures/llama-cpp-2026-09/bad_model_name_chat",
       kChat,
       kOk,
       4,
       4,
       kChunks,
       {},
       {},
       "length"},
      {"captures/llama-cpp-2026-09/bytes_seed3", kChat, kOk, 117, 118, kUsage, 29, 28, "stop"},
      {"captures/llama-cpp-2026-09/cmpl_stream_usage", kText, kOk, 8, 8, kUsage, 2, 0, "length"},
      {"captures/llama-cpp-2026-09/cmpl_stream_nousage", kText, kOk, 8, 8, kUsage, 2, 1, "length"},
      {"captures/llama-cpp-2026-09/cmpl_stream_ctx_full", kText, kOk, 11, 11, kUsage, 8181, 0,
       "length"},
      {"captures/llama-cpp-2026-09/cmpl_stream_multi_prompt", kText, kOk, 4, 2, kUsage, 1, 0,
       "length"},
      {"captures/llama-cpp-2026-09/kv_overflow_1",
       kChat,
       kBad,
       21,
       21,
       kChunks,
       {},
       {},
       "",
       "server error after 21 token chunks: Context size has been exceeded. (server_error)"},
      {"captures/llama-cpp-2026-09/anthropic_messages_stream",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "none of 9 events has choices; does /chat/completions speak the OpenAI API?"},
      {"captures/llama-cpp-2026-09/chat_nonstream",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "one JSON object instead of a stream"},
      {"captures/llama-cpp-2026-09/cmpl_nonstream",
       kText,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "one JSON object instead of a stream"},
      {"captures/llama-cpp-2026-09/models",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "no event stream (application/json; charset=utf-8): {\"models\""},
      {"captures/llama-cpp-2026-09/err_401_no_key",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 401: Invalid API Key (authentication_error)"},
      {"captures/llama-cpp-2026-09/err_404",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 404: File Not Found (not_found_error)"},
      {"captures/llama-cpp-2026-09/err_bad_json",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 500: [json.exception.parse_error.101] parse error at line 1"},
      {"captures/llama-cpp-2026-09/err_missing_messages",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 400: 'messages' is required (invalid_request_error)"},
      {"captures/llama-cpp-2026-09/err_too_long_chat_stream",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 400: request (9027 tokens) exceeds the available context size (8192 tokens)"},
      {"captures/llama-cpp-2026-09/err_wrong_type",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 400: Field 'max_tokens'"},
      {"captures/llama-cpp-2026-09/loading_503_chat",
       kChat,
       kHttp,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "HTTP 503: Loading model (unavailable_error)"},
      {"captures/llama-cpp-2025-02/chat_stream_usage", kChat, kOk, 4, 4, kUsage, 29, {}, "length"},
      {"captures/llama-cpp-2025-02/chat_stream_nousage",
       kChat,
       kOk,
       4,
       4,
       kUsage,
       29,
       {},
       "length"},
      {"captures/llama-cpp-2025-02/chat_stream_timings_per_token",
       kChat,
       kOk,
       2,
       2,
       kUsage,
       29,
       {},
       "length"},
      {"captures/llama-cpp-2025-02/bad_model_name_chat",
       kChat,
       kOk,
       2,
       2,
       kUsage,
       29,
       {},
       "length"},
      {"captures/llama-cpp-2025-02/cmpl_stream_usage", kText, kOk, 4, 4, kUsage, 2, {}, "length"},
      {"captures/llama-cpp-2025-02/cmpl_stream_multi_prompt",
       kText,
       kOk,
       4,
       2,
       kUsage,
       1,
       {},
       "length"},
      {"captures/llama-cpp-2025-02/err_too_long_chat_stream",
       kChat,
       kOk,
       4,
       4,
       kUsage,
       4931,
       {},
       "length"},
      {"captures/llama-cpp-2025-02/chat_nonstream",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "one JSON object instead of a stream"},

      {"fixtures/vllm_chat", kChat, kOk, 6, 6, kUsage, 11, 8, "length"},
      {"fixtures/vllm_chat_continuous_usage", kChat, kOk, 5, 9, kUsage, 11, {}, "stop"},
      {"fixtures/vllm_chat_usage_null", kChat, kOk, 2, 2, kUsage, 11, {}, "length"},
      {"fixtures/vllm_chat_reasoning", kChat, kOk, 4, 5, kUsage, 11, {}, "stop"},
      {"fixtures/vllm_chat_tool_call", kChat, kOk, 3, 7, kUsage, 11, {}, "tool_calls"},
      {"fixtures/vllm_chat_error_after_tokens",
       kChat,
       kBad,
       5,
       5,
       kChunks,
       {},
       {},
       "",
       "server error after 5 token chunks: EngineCore encountered an issue."},
      {"fixtures/vllm_chat_old_error",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "server error: out of memory (InternalServerError)"},
      {"fixtures/vllm_chat_only_done",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "no tokens: [DONE] came without any chunk"},
      {"fixtures/vllm_chat_cut_off",
       kChat,
       kBad,
       5,
       5,
       kChunks,
       {},
       {},
       "",
       "ended after 5 token chunks without [DONE] and without finish_reason"},
      {"fixtures/vllm_chat_cut_in_chunk",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "chunk 3 is malformed"},
      {"fixtures/vllm_completions", kText, kOk, 3, 5, kUsage, 7, {}, "length"},
      {"fixtures/dynamo_chat", kChat, kOk, 4, 10, kUsage, 5, {}, "length", "", 3},
      {"fixtures/dynamo_chat_usage_at_end", kChat, kOk, 3, 6, kUsage, 5, {}, "stop"},
      {"fixtures/sglang_chat", kChat, kOk, 4, 5, kUsage, 9, 4, "stop"},
      {"fixtures/sglang_chat_error",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "server error after 1 token chunk: The request was aborted. (BadRequestError)",
       1},
      {"fixtures/sglang_chat_abort",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "abort",
       "finish_reason abort"},
      {"fixtures/trtllm_chat", kChat, kOk, 3, 6, kUsage, 21, 0, "length"},
      {"fixtures/trtllm_completions_continuous_usage", kText, kOk, 4, 6, kUsage, 21, 0, "length",
       "", 2},
      {"fixtures/trtllm_chat_error",
       kChat,
       kBad,
       2,
       2,
       kChunks,
       {},
       {},
       "",
       "CUDA out of memory (InternalError)"},
      {"fixtures/triton_generate_stream",
       kText,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "none of 3 events has choices; does /completions speak the OpenAI API?"},
      {"fixtures/tgi_chat", kChat, kOk, 4, 4, kUsage, 3, {}, "length"},
      {"fixtures/tgi_chat_error",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "Request failed during generation: Server error: CANCELLED (generation)"},
      {"fixtures/tgi_generate_stream",
       kChat,
       kBad,
       0,
       0,
       kChunks,
       {},
       {},
       "",
       "none of 2 events has choices"},
      {"fixtures/lmstudio_error_event",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "The model has crashed without additional information. (Exit code: 6)"},
      {"fixtures/lmstudio_error_event_text",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "server error after 1 token chunk: model unloaded"},
      {"fixtures/openrouter_chat", kChat, kOk, 3, 4, kUsage, 10, 2, "stop"},
      {"fixtures/openrouter_chat_error",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "server error after 1 token chunk: Provider returned error (502)"},
      {"fixtures/proxy_rewrapped_comments", kChat, kOk, 2, 2, kUsage, 11, {}, "length"},
      {"fixtures/llama_cpp_error_field",
       kChat,
       kBad,
       1,
       1,
       kChunks,
       {},
       {},
       "",
       "server error after 1 token chunk: Context size has been exceeded. (server_error)"},
      {"fixtures/done_without_blank_line", kChat, kOk, 2, 2, kChunks, {}, {}, ""},
      {"fixtures/done_without_newline", kChat, kOk, 2, 2, kChunks, {}, {}, ""},
      {"fixtures/done_joined_to_last_chunk", kChat, kOk, 2, 2, kChunks, {}, {}, "stop"},
      {"fixtures/finish_reason_without_done", kChat, kOk, 2, 2, kChunks, {}, {}, "length"},
      {"fixtures/many_fields", kChat, kOk, 2, 2, kChunks, {}, {}, "length"},
      {"fixtures/multi_line_data", kChat, kOk, 2, 2, kChunks, {}, {}, "length"},
  };
  return kExpected;
}

Recording load_recording(const std::string& file) {
  const std::string text = read_file(kFolder + file + ".txt");
  if (!text.starts_with("HTTP/1.1 ")) return {.body = text};
  const size_t end = text.find("\r\n\r\n");
  Recording recording{.status = std::stoi(text.substr(9, 3)),
                      .headers = text.substr(0, end + 4),
                      .body = text.substr(end + 4)};
  if (file.ends_with("raw_chunked")) recording.body = joined_chunks(recording.body);
  return recording;
}

std::vector<Piece> whole(std::string_view body) {
  return {{.bytes = body, .at_ms = 1}};
}

std::vector<Piece> paced(std::string_view body, const std::vector<size_t>& cuts) {
  std::vector<size_t> ends = ends_of_blank_lines(body);
  ends.push_back(body.size());
  std::vector<Piece> pieces;
  size_t begin = 0;
  size_t event = 0;
  auto cut = cuts.begin();
  while (begin < body.size()) {
    while (cut != cuts.end() && *cut <= begin) ++cut;
    const size_t end = cut == cuts.end() ? ends[event] : std::min(ends[event], *cut);
    pieces.push_back(
        {.bytes = body.substr(begin, end - begin), .at_ms = static_cast<int64_t>(event) + 1});
    if (end == ends[event]) ++event;
    begin = end;
  }
  return pieces;
}

RequestRecord read(Api api, const Recording& recording, const std::vector<Piece>& pieces,
                   ChunkParser& parser) {
  RequestRecord record;
  ResponseReader reader(api, record);
  reader.headers(recording.status, recording.headers, instant(0));
  for (const Piece& piece : pieces) reader.bytes(piece.bytes, instant(piece.at_ms), parser);
  reader.end(instant(1'000'000), parser);
  return record;
}

std::string shown(const RequestRecord& r) {
  return fmt::format(
      "{} {} '{}' finish={} id={} first_byte={} first={} answer={} last={} end={} in={} cached={} "
      "out={} by {} first_chunk={} chunks={} coalesced={}\nicl{}\nitl{}",
      name_of(r.outcome), r.http_status, r.error, r.finish_reason, r.response_id,
      shown(r.first_byte), shown(r.first_token), shown(r.first_answer_token), shown(r.last_token),
      shown(r.end), shown(r.input_tokens), shown(r.cached_tokens), r.output_tokens,
      name_of(r.token_source), r.first_chunk_tokens, r.chunks, r.coalesced_chunks, shown(r.icl),
      shown(r.itl));
}

}  // namespace llmsweep::protocol_test

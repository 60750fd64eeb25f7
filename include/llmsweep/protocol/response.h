// Reads one streamed response of an OpenAI-compatible server into a RequestRecord.
//
// Pure: instants come from the transport, parsing happens after the stamp. docs/metrics.md defines
// the instants; this is the one place that decides what on the wire they are:
//
// - A chunk is token-bearing when a choice's delta (or `text`) carries non-empty content,
//   reasoning, refusal or a tool call. A chunk without any is token-bearing only where the server
//   counts tokens in every chunk (continuous usage) and the count rose: a special token, or a
//   character whose bytes are not complete. Never the chunk with the role, nor the one with the
//   finish reason: the end-of-sequence token has no chunk on servers that do not count either.
// - Chunks whose bytes have the same instant form one arrival: one gap, however many they are.
//   The transport therefore has to give all bytes of one read one instant.
// - ITL: gap ÷ tokens of the later arrival. Tokens are differences of the continuous usage; an
//   arrival in which the count did not rise lends its gap to the next. Without continuous usage
//   each chunk is taken to hold output_tokens ÷ chunks tokens (applied at the end), less the
//   end-of-sequence token where the finish reason is "stop" and there are more tokens than chunks.
// - first_chunk_tokens: from continuous usage, else 1 (the first chunk is the prefill's token); all
//   of output_tokens when everything came in one arrival, so that no TPOT of 0 can be computed.
// - Usage: the last one wins, in whatever chunk. A completion count of 0 next to chunks is not
//   believed. Without usage output_tokens is `chunks`, token_source kChunks.
// - Failures: a status other than 2xx (kHttpError, with the server's message); kProtocolError for
//   an error object, string, `error:` field or `event: error`, even after tokens; a finish reason
//   "error" or "abort"; JSON that does not parse; an end without [DONE] and without finish reason;
//   an end without any token (there is no latency to report); an answer that is no event stream.
// - With several choices in one stream tokens and gaps are those of the stream as a whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/redactor.h"
#include "llmsweep/model/chunk_trace.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/protocol/sse.h"

namespace llmsweep {

struct ApiDialect;
struct Chunk;

// One a thread: holds the JSON parser, its buffers, and the shape that the last chunks had. Not
// shared between threads, but between APIs it may be.
class ChunkParser {
 public:
  ChunkParser();
  ~ChunkParser();
  ChunkParser(const ChunkParser&) = delete;
  ChunkParser& operator=(const ChunkParser&) = delete;

 private:
  friend class ResponseReader;
  // True where `payload` says the same as one that was parsed before, but for its id and counts:
  // `chunk` is then filled, its views lying in `payload`. Never the end of a stream, for that would
  // have come before.
  bool recognise(const ApiDialect& api, std::string_view payload, Chunk& chunk);
  // What is wrong with `payload`, or nothing. The chunk's views are valid until the next call, and
  // as long as `payload` is.
  std::string_view parse(const ApiDialect& api, std::string_view payload, Chunk& chunk);

  struct State;
  std::unique_ptr<State> state_;
};

class ResponseReader {
 public:
  // `record` is filled in as bytes come; it must outlive the reader. None of its texts holds one of
  // `secrets`, nor what the server generated: of JSON that is shown, only the keys are.
  ResponseReader(Api api, RequestRecord& record, Redactor secrets = {});
  // From now on the instant of every token-bearing chunk goes there too; it must outlive the
  // reader.
  void trace_to(ChunkTrace& trace) { trace_ = &trace; }

  // The day by the client's clock, as CLOCK_REALTIME − CLOCK_MONOTONIC: for a Retry-After that is a
  // date in an answer without one of its own. Without it such a date is not read.
  void set_realtime_offset(Duration offset) { realtime_offset_ = offset; }

  // The header block may be raw (CRLF lines) or empty. A 1xx status is ignored.
  void headers(int status, std::string_view header_block, Instant at);
  void bytes(std::string_view bytes, Instant at, ChunkParser& parser);
  // The transport's end of the response. Sets outcome, error, output_tokens, token_source and end.
  void end(Instant at, ChunkParser& parser);
  // The transport failed, the request timed out, or it was cancelled. Likewise, with what had been
  // received until then. `outcome` is not kOk.
  void fail(Outcome outcome, std::string_view reason, Instant at);

  // [DONE] was seen or the stream failed: the record is complete, further calls change nothing,
  // and the caller may treat the request as over although the transport has not ended.
  bool finished() const { return finished_; }

  // The failure is only that there was no token-bearing chunk: the stream came to its end, with
  // [DONE] or a finish reason, and without an error; with a choice, or a count of tokens in
  // `usage`.
  bool ended_without_text() const { return ended_without_text_; }

 private:
  // What the body turned out to be, from its first byte.
  enum class Body { kUnknown, kEvents, kPlain };

  void apply_event(const SseEvent& event, Instant at, ChunkParser& parser);
  void apply_payload(std::string_view payload, Instant at, ChunkParser& parser);
  void apply_chunk(const Chunk& chunk, std::string_view payload, Instant at);
  void apply_tokens(const Chunk& chunk, Instant at);
  void close_arrival();
  void part_itl();

  void end_of_stream(bool done, Instant at);
  void settle_refused(Instant at);
  void settle_plain_answer(Instant at);
  void settle(Outcome outcome, std::string error, Instant at);
  void settle_counts();
  std::string after_chunks() const;

  const ApiDialect* api_;
  RequestRecord* record_;
  Redactor secrets_;
  ChunkTrace* trace_ = nullptr;  // null: not asked for
  std::optional<Duration> realtime_offset_;
  SseParser events_;
  Body body_ = Body::kUnknown;
  bool finished_ = false;
  bool ended_without_text_ = false;
  std::string plain_;         // a body that is no event stream, its first 64 KiB
  std::string content_type_;  // printable, as the other two
  std::string encoding_;      // a Content-Encoding that nobody asked for
  std::string location_;      // of a redirect
  std::optional<Instant> last_read_;

  int64_t payloads_ = 0;  // JSON chunks, of whatever content
  bool choices_seen_ = false;
  std::optional<int64_t> usage_output_;  // the last completion_tokens

  // Continuous usage: the count at the last token-bearing chunk, and whether ITL is made from it
  // (decided by the first such chunk).
  int64_t counted_ = 0;
  bool count_seen_ = false;
  bool itl_from_usage_ = false;
  // So far every gap was one token's: the record's ICL stands for both until they part.
  bool itl_is_icl_ = true;

  // The arrival that is still open, and what the next gap starts from.
  Instant arrival_{};
  int64_t arrival_chunks_ = 0;
  int64_t arrival_tokens_ = 0;
  std::optional<Instant> previous_arrival_;
  std::optional<Instant> previous_counted_arrival_;
};

}  // namespace llmsweep

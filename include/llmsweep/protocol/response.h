// Reads one streamed response of an OpenAI-compatible server into a RequestRecord.
//
// Pure: instants come from the transport, parsing happens after the stamp. docs/metrics.md defines
// the instants; this is the one place that decides what on the wire they are:
//
// - A chunk is token-bearing when a choice's delta (or `text`) carries a character of content, of a
//   thought (reasoning, reasoning_content, reasoning_details, thinking, thinking_blocks, …), of a
//   refusal or of a tool call, as text or in a list of typed parts; labels such as a part's type
//   and id are no characters. A chunk without any is token-bearing only where the server counts
//   tokens in every chunk (continuous usage) and the count says so: a special token, or a character
//   whose bytes are not complete. Never the chunk with the role, nor the one with the finish
//   reason: the end-of-sequence token has no chunk on servers that do not count either.
// - Chunks whose bytes have the same instant form one arrival: one gap, however many they are.
//   The transport therefore has to give all bytes of one read one instant.
// - How many tokens came when: protocol/token_tally.h.
// - Usage: the last count that is not 0 wins, in whatever chunk and under whatever name
//   (src/protocol/usage_names.h). Where every chunk counts its own tokens alone they are added up.
//   Reasoning tokens that usage leaves out of the completion's, as total_tokens or the chunks show,
//   are added. Without usage: the limit, where the finish reason says that it was reached and
//   record.planned_output_tokens knows it (kLimit); else the chunks (kChunks), or what count_text()
//   makes of the text (kTokenizer).
// - Reasoning that usage counts and the stream does not show is in output_tokens and not in
//   streamed_tokens.
// - An answer is complete where a finish reason came at its end (one after which more output comes
//   is none), or usage did, or as many tokens as were planned. [DONE] alone is enough only where no
//   length was planned. After a finish reason neither usage nor [DONE] nor the end of the response
//   need come: answered().
// - Failures: a status other than 2xx (kHttpError, with the server's message); kProtocolError for
//   an error in any spelling (an object, string, `error:` field, `event: error`; codes and messages
//   in a chunk without output), even after tokens; a finish reason that names a failure; JSON that
//   cannot be read; an end without [DONE] and without finish reason; an end of an answer that is
//   not complete; an end without any token (there is no latency to report); an answer that is no
//   event stream.
// - JSON that is none by the standard (NaN, Infinity, a control character inside a text, a comma
//   too many) is read and counted in repaired_chunks, and so is a chunk that is not in the API's
//   shape: `choices` that are no list, a delta that is a text or is named `message` (one behind
//   deltas repeats them and is no output). Halves of characters are read and not counted.
// - An API that does not generate (ApiTraits) answers with one JSON object: a result for each of
//   record.inputs, none of them empty, or the request has failed. Its only instant before the end
//   is last_token, the read that completed it.
// - With several choices in one stream tokens and gaps are those of the stream as a whole.
#pragma once

#include <cstdint>
#include <functional>
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
#include "llmsweep/protocol/token_tally.h"

namespace llmsweep {

struct ApiDialect;
struct Chunk;

// What a server has to say behind its finish reason (usage, [DONE], the end of the response) is
// waited for so long, counted from its last byte; then the answer is taken as it is.
constexpr Duration kSilenceIsTheEnd = std::chrono::seconds(1);

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
  // What `payload` says, where it says the same as one that was parsed before, but for its id, text
  // and counts; else null. Valid until the next call, and as long as `payload` is. Never the end of
  // a stream, for that would have come before.
  const Chunk* recognise(const ApiDialect& api, std::string_view payload);
  // What is wrong with `payload`, or nothing. The chunk's views are valid until the next call, and
  // as long as `payload` is.
  std::string_view parse(const ApiDialect& api, std::string_view payload, Chunk& chunk);

  struct State;
  std::unique_ptr<State> state_;
};

// When a read was: its stamp, and what is known of how late that was.
struct ReadTime {
  Instant at{};
  std::optional<Instant> received = {};  // by the kernel; at most `at`
  bool stalled = false;                  // the host had stalled since the request's read before

  // The kernel had its last bytes only just before.
  bool prompt() const { return received && at - *received < std::chrono::microseconds(100); }

  ReadTime(Instant stamp) : at(stamp) {}
  ReadTime(Instant stamp, std::optional<Instant> by_the_kernel, bool after_a_stall)
      : at(stamp), received(by_the_kernel), stalled(after_a_stall) {}
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

  // The model that was requested: record.other_model stays empty where it is the one that answers.
  // Must outlive the reader.
  void expect_model(std::string_view model) { model_ = model; }

  // From now on the text is kept, for count_text().
  void keep_text() { keeps_text_ = true; }
  // Once the record is complete: where nothing but its chunks tells how many tokens it has, these
  // are counted in the text. Nothing where the text was not kept.
  void count_text(const std::function<int64_t(std::string_view)>& tokens_of);

  // The header block may be raw (CRLF lines) or empty. A 1xx status is ignored.
  void headers(int status, std::string_view header_block, Instant at);
  void bytes(std::string_view bytes, ReadTime time, ChunkParser& parser);
  // The transport's end of the response. Sets outcome, error, output_tokens, token_source and end.
  void end(Instant at, ChunkParser& parser);
  // The transport failed, the request timed out, or it was cancelled. Likewise, with what had been
  // received until then. `outcome` is not kOk.
  void fail(Outcome outcome, std::string_view reason, Instant at);

  // [DONE] was seen or the stream failed: the record is complete, but for usage that comes after
  // [DONE], and the caller may treat the request as over although the transport has not ended.
  // Further calls change nothing else, except that end() gives a complete answer the end of its
  // transfer.
  bool finished() const { return finished_; }

  // A finish reason has come after output, and no output after it: the answer is whole, whatever
  // becomes of the rest, and end() makes it kOk. A reason in the answer's first chunk of output
  // says so only where that has all tokens that were planned, since some servers write one in each.
  bool answered() const;

  // The failure is only that there was no token-bearing chunk: the stream came to its end, with
  // [DONE] or a finish reason, and without an error; with a choice, or a count of tokens in
  // `usage`.
  bool ended_without_text() const { return ended_without_text_; }

 private:
  // What the body turned out to be, from its first byte.
  enum class Body { kUnknown, kEvents, kPlain };
  // What most chunks do not touch, apart from what is fetched for each.
  struct Texts {
    std::string plain;         // a body that is no event stream, its first 64 KiB
    std::string content_type;  // printable, as the other two
    std::string encoding;      // a Content-Encoding that nobody asked for
    std::string location;      // of a redirect
    std::string output;        // all of it, where it is kept
  };

  void apply_event(const SseEvent& event, Instant at, ChunkParser& parser);
  void apply_payload(std::string_view payload, Instant at, ChunkParser& parser);
  void apply_chunk(const Chunk& chunk, std::string_view payload, Instant at);
  void note_names(const Chunk& chunk);
  void apply_tokens(const Chunk& chunk, Instant at);
  void apply_usage(const Chunk& chunk, bool bears_token);
  void keep(const Chunk& chunk);
  void read_late_usage(std::string_view bytes, ChunkParser& parser);

  void end_of_stream(bool done, Instant at);
  void settle_refused(Instant at);
  void settle_plain_answer(Instant at);
  void settle_results(Instant at, ChunkParser& parser);
  void settle(Outcome outcome, std::string error, Instant at);
  void settle_counts();
  void settle_tokens();
  bool is_complete() const;
  int64_t output_of_usage(int64_t reasoning) const;
  int64_t hidden_tokens(int64_t output, int64_t reasoning) const;
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
  std::unique_ptr<Texts> texts_ = std::make_unique<Texts>();
  std::optional<ReadTime> last_read_;

  int64_t payloads_ = 0;  // JSON chunks, of whatever content
  bool choices_seen_ = false;
  std::string_view model_;
  bool model_seen_ = false;
  bool finish_is_last_ = true;           // no output came after the finish reason
  bool finish_is_sure_ = false;          // it is not the one of a first chunk of output
  bool usage_is_last_ = false;           // a count that was not there all along came at the end
  std::optional<int64_t> usage_output_;  // the last completion_tokens that are not 0
  std::optional<int64_t> usage_total_;   // total_tokens beside it
  std::optional<int64_t> uncached_tokens_, stored_tokens_;  // of the prompt, beside cached ones
  bool count_seen_ = false;
  bool deltas_seen_ = false;  // output in a delta or a text
  bool keeps_text_ = false;
  TokenTally tally_;
};

}  // namespace llmsweep

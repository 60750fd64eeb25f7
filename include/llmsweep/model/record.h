// One request: what was asked, when things happened, how it ended. One line of requests.jsonl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/histogram.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/trace_id.h"

namespace llmsweep {

enum class Phase { kWarmup, kMeasured, kFiller };

enum class Outcome {
  kOk,
  kHttpError,       // a status other than 200
  kTransportError,  // refused, reset, TLS, truncated body
  kTimeout,
  kProtocolError,  // malformed stream, an error inside it, an end without [DONE] or finish_reason
  kCancelled,
};

// kLimit: the finish reason says that the limit was reached, and the limit is known.
enum class TokenSource { kUsage, kLimit, kTokenizer, kChunks };

// Instants as metrics.md defines them; absent where they did not happen.
struct RequestRecord {
  RunId run;
  // Of a run that was broken off and started again: kept in the file, part of no statistic.
  bool superseded = false;
  uint32_t index = 0;  // of the schedule; fillers go on from its end
  uint32_t slot = 0;
  uint32_t url = 0;  // which of the endpoint's addresses it went to
  Phase phase = Phase::kMeasured;
  // Of a user, or of a trace that has sessions: which of the run, which of its turns, from 1, and
  // of how many.
  std::optional<uint32_t> session;
  std::optional<uint32_t> turn;
  std::optional<uint32_t> turns_planned;
  // Between the end of the user's request before, or of the turn before of a trace's closed
  // session, and when this one was due; of the turn that a user thinks about when the run begins in
  // part before it.
  std::optional<Duration> think;
  std::string response_id;
  std::string model;  // that it asked for, of several; empty: there is one
  TraceId trace_id;

  Instant scheduled{};
  std::optional<Instant> sent;
  std::optional<Instant> first_byte;
  std::optional<Instant> first_token;
  std::optional<Instant> first_answer_token;
  std::optional<Instant> last_token;
  // First and last chunk with a choice, whatever it carries (the role; the finish reason): where
  // vLLM's `bench serve` takes its TTFT and E2E.
  std::optional<Instant> first_choice;
  std::optional<Instant> last_choice;
  std::optional<Instant> end;

  // From the kernel's receipt of the read that brought the token to our stamp; absent: not known.
  // Where more came in the same read (a finish chunk, usage), at least so much.
  std::optional<Duration> first_token_delay;
  std::optional<Duration> first_answer_token_delay;
  std::optional<Duration> last_token_delay;
  // Token-bearing chunks that the first token's read brought behind it, after a stall of the
  // client's host: the kernel's receipt is that of the last of them. 0 without a stall.
  int64_t first_token_merged = 0;

  int64_t planned_input_tokens = 0;  // 0: not planned
  int64_t planned_output_tokens = 0;
  // Texts or documents of the request, each of which the answer has to have a result for; 0: of an
  // API that generates. Of the others an answer in one piece is whole at last_token, and none of
  // the instants before it is there.
  int64_t inputs = 0;
  std::optional<int64_t> input_tokens;  // the server's usage.prompt_tokens
  std::optional<int64_t> cached_tokens;
  int64_t output_tokens = 0;
  TokenSource token_source = TokenSource::kChunks;
  // Of output_tokens, those that came in a chunk: hidden reasoning and a stop token without a chunk
  // are not among them. Absent in older files: all of them.
  std::optional<int64_t> streamed_tokens;
  std::optional<int64_t> reasoning_tokens;  // of output_tokens, as the server counts them
  // Of the streamed ones, those that the first token-bearing chunk brought, and others in its read.
  int64_t first_chunk_tokens = 1;
  int64_t chunks = 0;            // token-bearing chunks
  int64_t coalesced_chunks = 0;  // of those, completed by the same read as the one before

  Outcome outcome = Outcome::kOk;
  int http_status = 0;  // 0: no response
  std::string error;    // reason of a failure, printable
  // What a 429 or 503 asked the client to wait; absent: it did not say.
  std::optional<int64_t> retry_after_ms;
  std::string finish_reason;
  std::string other_model;      // that the server says answered, where it is not the requested one
  int64_t repaired_chunks = 0;  // that were no JSON as the standard has it, and were read

  // Gaps between distinct arrivals of token-bearing chunks (coalesced ones make no gap), and the
  // same per token of the later arrival, weighted by those tokens.
  Histogram icl;
  Histogram itl;
  // Gaps between arrivals that are in neither, since the client's host was stalled at one end.
  int64_t gaps_left_out = 0;

  // The server's own reading, where it sends one (llama.cpp's `timings`): from the start of the
  // prefill to the first token, and from there to the last. Queueing is in neither.
  std::optional<int64_t> server_prefill_us;
  std::optional<int64_t> server_decode_us;

  // Of output_tokens, those that have an instant.
  int64_t streamed() const { return streamed_tokens.value_or(output_tokens); }
  // Everything came in one read, so that only its end is known: no TTFT, TPOT or ITL.
  bool buffered() const { return first_token && first_token == last_token && streamed() > 1; }

  bool reconnected = false;  // a new connection was opened for it in the measured part

  bool operator==(const RequestRecord&) const = default;
};

}  // namespace llmsweep

// What the simulated endpoint really did: one record a request, one JSON line each in truth.jsonl.
// A file beside it, truth.jsonl.signs, says when the client was there no more.
//
// A line's keys are the fields' names (without trace_id, body_sha256, images and results where
// there are none), instants as absolute CLOCK_MONOTONIC ns; chunks are two lists, `sent_ns` and
// `chunk_tokens`. A line is written when its response has ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

struct TruthChunk {
  Instant sent{};  // just before its bytes were handed to the kernel
  int64_t tokens = 0;
};

struct TruthRecord {
  std::string response_id;  // as sent on the wire; empty where none was
  std::string trace_id;     // the 32 digits of its traceparent; empty: it had none
  std::string body_sha256;  // of the request's body as it came; empty: nobody asked for it
  int64_t number = 0;       // requests are counted from 1 in order of arrival
  std::string api;          // "chat", "completions", …: the spec's names
  std::string model;        // that the request asked for; empty: it named none
  bool stream = true;
  // When the kernel had the request's last byte, however late the endpoint came to read it; the
  // read that completed it where the kernel does not say.
  Instant arrival{};
  std::optional<Instant> prefill_start;
  std::vector<TruthChunk> chunks;  // token-bearing; of an unstreamed answer the one body
  std::optional<Instant> end;      // after the last byte, or when the connection was gone
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  std::vector<std::string> images;  // SHA-256 of each one's bytes, in their order
  int64_t output_tokens = 0;        // in `chunks`
  int64_t hidden_tokens = 0;        // of those, before the first chunk: reasoning that is not shown
  // Of an API that generates none: vectors or scores that were sent. Its one chunk has 0 tokens.
  int64_t results = 0;
  int status = 200;            // 0: no response was sent
  std::string finish_reason;   // as sent; empty where none was
  std::string fault;           // name of the fault injected; empty: none
  bool client_closed = false;  // the client left before [DONE]
  // Of the chunks: instant sent − instant due by the engine.
  Duration lateness_mean{};
  Duration lateness_max{};
  int64_t blocked_writes = 0;  // the kernel's buffer was full: bytes had to wait for the client
};

// A line of the signs: a connection that the client closed, or that broke because the client died.
// Only of one that carried a request.
struct TruthClosing {
  Instant at{};
  Instant last_arrival{};        // of the last request that it carried
  std::string last_response_id;  // of its answer; empty where none was to be sent
};

// The other line: an endpoint that dies with its client says that both still live, where nothing
// else has been logged for that long, and so many times in a row: for longer than a record may wait
// to be written, or a lost one could not be told from one that the kill came before.
constexpr Duration kSignOfLife = std::chrono::milliseconds(5);
constexpr int kSignsOfLife = 12;

// Without a newline.
std::string truth_line(const TruthRecord& record);
std::string truth_line(const TruthClosing& closing);
std::string alive_line(Instant at);

// The file of the signs beside the truth log `log`.
std::filesystem::path signs_beside(const std::filesystem::path& log);

struct Truth {
  std::vector<TruthRecord> requests;
  std::vector<TruthClosing> closings;
  std::vector<Instant> alive;
};
// With the signs beside it, where there are any. Throws Error with file:line for what is not such a
// line. A last line cut short is left out.
Truth read_truth(const std::filesystem::path& path);
std::vector<TruthRecord> read_truth_log(const std::filesystem::path& path);  // the requests

}  // namespace llmsweep

// Reads one streamed (or plain JSON) response of an OpenAI-compatible server into a RequestRecord.
//
// Pure: instants come from the transport, parsing happens after the stamp. What counts as a token,
// an answer, a failure and an end is defined in docs/metrics.md and nowhere else but here.
#pragma once

#include <memory>
#include <string_view>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// One a thread: holds the JSON parser. Not shared.
class ChunkParser {
 public:
  ChunkParser();
  ~ChunkParser();
  ChunkParser(const ChunkParser&) = delete;
  ChunkParser& operator=(const ChunkParser&) = delete;

 private:
  friend class ResponseReader;
  struct State;
  std::unique_ptr<State> state_;
};

class ResponseReader {
 public:
  // `record` is filled in as bytes come; it must outlive the reader.
  ResponseReader(Api api, RequestRecord& record);
  ~ResponseReader();
  ResponseReader(ResponseReader&&) noexcept;
  ResponseReader& operator=(ResponseReader&&) noexcept;

  void headers(int status, std::string_view header_block, Instant at);
  void bytes(std::string_view bytes, Instant at, ChunkParser& parser);
  // The transport's end of the response. Sets outcome, error, output_tokens, token_source and end.
  void end(Instant at, ChunkParser& parser);
  // The transport failed, the request timed out, or it was cancelled. Likewise.
  void fail(Outcome outcome, std::string_view reason, Instant at);

  // [DONE] was seen or the stream failed: nothing more is expected although the transport has not
  // ended. The caller may treat the request as over.
  bool finished() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep

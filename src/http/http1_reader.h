// HTTP/1.1 responses from bytes as they arrive (RFC 9112): head, then a body by its length, in
// chunks, or until the connection closes. Limits on every size; no allocation while a body streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/event_arena.h"

namespace llmsweep::http {

class Http1Reader {
 public:
  explicit Http1Reader(size_t max_head_bytes) : max_head_bytes_(max_head_bytes) {}

  enum class State { kHead, kBody, kDone, kBroken };

  // Forgets the response before.
  void begin();
  // Takes what one read gave. Body bytes are appended to `body`, which lies in `arena`.
  void feed(std::string_view bytes, EventArena& arena, std::string_view& body);
  // The connection has ended: kDone for a body that ends with it, else the state stays.
  void end_of_stream();

  State state() const;
  bool begun() const { return begun_; }  // at least one byte came
  bool head_complete() const { return head_complete_; }
  int status() const { return status_; }           // with head_complete()
  std::string_view head() const { return head_; }  // raw; of the final response, not of a 1xx
  // After kDone: whether the connection may carry another request.
  bool reusable() const { return keep_alive_ && !excess_; }
  const char* broken() const { return broken_; }  // with kBroken: why
  bool head_too_long() const { return head_too_long_; }
  int64_t missing() const { return chunked_ ? -1 : remaining_; }  // body bytes; −1: not known

 private:
  enum class Phase {
    kHead,
    kLength,
    kUntilClose,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailer,
    kDone,
    kBroken
  };

  void fail(const char* why);
  void read_head(std::string_view& bytes);
  void parse_head();
  bool parse_status_line(std::string_view line);
  void parse_field(std::string_view line);
  void choose_framing();
  void read_chunk_size(std::string_view& bytes);
  void read_chunk_end(std::string_view& bytes);
  void read_trailer(std::string_view& bytes);
  void take_body(std::string_view& bytes, EventArena& arena, std::string_view& body);

  size_t max_head_bytes_;
  Phase phase_ = Phase::kHead;
  bool begun_ = false;
  bool head_complete_ = false;
  bool keep_alive_ = true;
  bool excess_ = false;
  bool chunked_ = false;
  bool has_length_ = false;
  bool head_too_long_ = false;
  bool digit_seen_ = false;    // of a chunk's size
  bool in_extension_ = false;  // of a chunk's size line
  int status_ = 0;
  int64_t remaining_ = 0;  // of the body, or of the chunk
  size_t line_bytes_ = 0;  // of the line being read: a chunk's size, or of all trailers
  size_t line_start_ = 0;  // bytes since the last line end of the trailer
  const char* broken_ = nullptr;
  std::string head_;
};

}  // namespace llmsweep::http

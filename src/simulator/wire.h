// The bytes of responses: headers, server-sent events of each dialect, plain JSON, errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "llmsweep/simulator/profile.h"
#include "simulator/api_request.h"

namespace llmsweep::sim {

struct HeadOptions {
  int status = 200;
  std::string_view content_type = "application/json";
  std::optional<size_t> content_length;  // absent: chunked
  bool keep_alive = true;
  bool http_1_0 = false;
  std::optional<int> retry_after_s;
};
std::string response_head(const HeadOptions& options, Dialect dialect);

// `payload` as one chunk of a chunked body, appended to `out`.
void append_http_chunk(std::string_view payload, std::string& out);
constexpr std::string_view kLastHttpChunk = "0\r\n\r\n";

std::string json_quoted(std::string_view text);
// The body of an answer other than 200, or the object of an error inside a stream.
std::string error_body(const ApiFailure& failure, Dialect dialect);

// What is constant over one answer.
struct Answer {
  bool usage = false;             // to be sent
  bool continuous_usage = false;  // in every chunk
  std::string id;
  std::string model;
  int64_t created = 0;  // seconds since 1970
  int64_t prompt_tokens = 0;
  // Of an API that generates none.
  int64_t inputs = 0;
  int64_t results = 0;       // that are sent
  int64_t empty_result = 0;  // the one without content, from 1; 0: none
  int64_t dimensions = 0;
  bool base64 = false;
  uint64_t seed = 0;
};

// How far it is.
struct Progress {
  int64_t cached_tokens = 0;
  int64_t output_tokens = 0;
  int64_t reasoning_tokens = 0;
  int64_t steps = 0;        // of the engine, that gave these tokens
  double prompt_ms = 0;     // start of prefill to first token
  double predicted_ms = 0;  // first token to last
};

struct TokenText {
  std::string_view text;  // ASCII or UTF-8, nothing that JSON would escape
  bool reasoning = false;
};

// Writes one answer in the way of its API. Every member but plain() appends whole events to `out`.
class EventWriter {
 public:
  virtual ~EventWriter() = default;

  virtual void opening(std::string& out) = 0;  // what precedes the first token, if anything
  // A token chunk; `finish` is set on the last one where the dialect puts it there.
  virtual void tokens(const TokenText& text, const Progress& progress, std::string_view finish,
                      std::string& out) = 0;
  // What follows the last token, but for what done() writes.
  virtual void closing(std::string_view finish, const Progress& progress, std::string& out) = 0;
  virtual void done(std::string& out) = 0;  // the mark of the end, if there is one
  // The API's word for a reason of the end: "stop", "length" or another.
  virtual std::string_view spelt(std::string_view finish) const { return finish; }
  void comment(std::string& out);
  virtual void error(const ApiFailure& failure, std::string& out);
  void silent_error(std::string& out);  // of type `error`, with its words in a comment

  // An unstreamed answer.
  virtual std::string plain(const TokenText& reasoning, const TokenText& answer,
                            std::string_view finish, const Progress& progress) const = 0;

 protected:
  EventWriter(const WireProfile& wire, Dialect dialect, Answer answer);
  EventWriter(const EventWriter&) = default;
  EventWriter& operator=(const EventWriter&) = default;

  void event(std::string_view json, std::string& out);

  WireProfile wire_;
  Dialect dialect_;
  Answer answer_;
  std::string newline_;
  std::string event_head_;  // up to the JSON
  std::string event_end_;   // behind it
  bool first_event_ = true;
};

}  // namespace llmsweep::sim

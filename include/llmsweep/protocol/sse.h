// An incremental parser of server-sent events (WHATWG HTML, section 9.2), as tolerant as real
// servers require: LF, CRLF or CR; `data:` with 0 or 1 space; multi-line data; comments; unknown
// fields; bytes split anywhere. Pure; one object a response; no allocation in the steady state.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmsweep {

struct SseEvent {
  std::string_view type;  // of an `event:` field; empty: "message"
  std::string_view data;  // lines joined by LF
  // Old llama.cpp servers report a failure as a field `error: {json}`.
  std::string_view error;
};

class SseParser {
 public:
  explicit SseParser(size_t max_event_bytes = size_t{16} << 20);

  // Takes the next bytes. Call next() until it returns false before feeding again; the views of an
  // event are valid until the following call.
  void feed(std::string_view bytes);
  bool next(SseEvent& event);
  // At the end of the response: an event whose blank line never came still counts ("[DONE]" with
  // no newline is sent by real servers).
  bool finish(SseEvent& event);
  // An event grew over the limit; nothing more is parsed.
  bool overflowed() const { return overflowed_; }
  void reset();

 private:
  bool take_line(std::string_view& line);
  bool apply_line(std::string_view line);
  void clear_event();

  size_t max_event_bytes_;
  std::string_view input_;   // what feed() was given and next() has not consumed
  std::string partial_;      // a line whose end has not come
  std::string line_;         // storage of a joined line
  std::string data_, type_, error_;
  bool has_data_ = false;
  bool event_ready_ = false;
  bool skip_lf_ = false;     // the last line ended in CR: an LF may follow
  bool at_start_ = true;     // a byte-order mark may come
  bool overflowed_ = false;
};

}  // namespace llmsweep

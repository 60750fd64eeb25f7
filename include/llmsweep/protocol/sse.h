// An incremental parser of server-sent events (WHATWG HTML, section 9.2), as tolerant as real
// servers require: LF, CRLF or CR; `data:` with 0 or 1 space; multi-line data; comments; unknown
// fields; a byte-order mark; bytes split anywhere. Pure; one object a response.
//
// Every byte is looked at a bounded number of times whatever the line ends. An event that lies
// whole in what was fed is not copied; one that is split is copied once. No allocation once the
// buffers have grown to the longest event.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace llmsweep {

struct SseEvent {
  std::string_view type;  // of an `event:` field; empty: none was sent
  std::string_view data;  // lines joined by LF
  // Old llama.cpp servers report a failure as a field `error: {json}`.
  std::string_view error;
  // Comments before and among its lines, joined by LF, the first 300 bytes: a gateway says there
  // why it gave up.
  std::string_view comment;
};

class SseParser {
 public:
  // No line and no event may be longer than `max_event_bytes`.
  explicit SseParser(size_t max_event_bytes = size_t{16} << 20);

  // Takes the next bytes, which stay the caller's and must live until next() has returned false.
  // Call next() until it does before feeding again. An event's views are valid until the
  // following call. An event with neither data, error nor type is not reported.
  void feed(std::string_view bytes);
  bool next(SseEvent& event);
  // At the end of the response: an event whose blank line never came still counts ("[DONE]" with
  // no newline is sent by real servers). Call it until it returns false.
  bool finish(SseEvent& event);
  // A line or an event grew over the limit; nothing more is parsed.
  bool overflowed() const { return overflowed_; }

 private:
  struct Line {
    std::string_view text;
    bool in_partial;  // text is all of partial_, else it lies in the input
  };

  bool take_held_line(SseEvent& event);
  bool take_usual_event(SseEvent& event);
  bool take_line(Line& line);
  bool apply_line(Line line);  // true: a blank line that completes an event
  bool add_data(std::string_view value, bool in_partial);  // true: the event is complete
  bool parts_events(std::string_view next) const;
  void keep_unfinished();
  void clear_event();
  bool has_event() const;
  void hand_out(SseEvent& event);

  size_t max_event_bytes_;
  // What feed() was given and next() has not consumed; first_lf_ is the first LF of it, or end_
  // where there is none, and is looked for again only when begin_ has passed it.
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  const char* first_lf_ = nullptr;

  std::string partial_;  // a line whose end has not come
  // The event so far. Its data lies in the input until the input is used up, then in kept_.
  std::string_view data_in_input_;
  // What an event that is one line in one read does not touch, apart from the rest: a stream's own
  // memory is fetched for each of its chunks.
  struct Kept {
    std::string data;
    size_t from = 0;  // where the data begins
    std::string type, error, comment;
    std::string held;  // a line of data that begins the next event
  };
  std::unique_ptr<Kept> kept_ = std::make_unique<Kept>();
  bool holds_line_ = false;
  bool line_is_event_ = false;   // events are parted by one line end
  bool between_events_ = false;  // of the next event nothing has come, and the first line is over
  bool has_data_ = false;
  bool data_is_kept_ = false;
  bool handed_out_ = false;  // the next call starts a new event
  bool skip_lf_ = false;     // the last line ended in CR: an LF may follow
  bool at_start_ = true;     // the first line may begin with a byte-order mark
  bool overflowed_ = false;
};

}  // namespace llmsweep

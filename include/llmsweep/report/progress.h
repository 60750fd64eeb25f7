// The live view of a sweep: a pure function from its state to text, and the writer that keeps that
// text in place on a terminal. The caller decides when; nothing here reads a clock.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/level_progress.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

// At most two lines of at most style.width columns, no newline at the end.
std::string progress_text(const LevelProgress& progress, const TableStyle& style);
// One line for a log: no bar, no colour, no cursor movement.
std::string progress_log_line(const LevelProgress& progress);

// What the stream `fd` can show, from isatty, its window size and the environment (TERM, NO_COLOR,
// LC_ALL, LC_CTYPE, LANG, COLUMNS). `get_env` answers as std::getenv does.
struct Terminal {
  bool live = false;  // a terminal that understands cursor movement
  TableStyle style;
};
using GetEnv = std::function<const char*(const char*)>;
Terminal detect_terminal(int fd, const GetEnv& get_env);
// The width of the window behind `fd` now; nothing where there is none.
std::optional<int> window_columns(int fd);

// Keeps the view in place at the bottom of a terminal; elsewhere writes a plain line every
// `log_interval`. One thread. The cursor is never hidden and nothing but relative movement is sent,
// so that a killed run leaves the terminal usable; the destructor removes the view, so that an
// interrupt or an exception leaves it clean.
class LiveView {
 public:
  LiveView(std::ostream& out, Terminal terminal, Duration log_interval = std::chrono::seconds(5));
  ~LiveView();
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  // Redraws at most ten times a second of `now`, or writes the next plain line when it is due.
  void update(const LevelProgress& progress, Instant now);
  void resize(int columns);  // of the terminal; what it has wrapped meanwhile is removed too
  // A line (or lines, '\n' between) that stays on screen above the view.
  void print(const std::string& text);
  void clear();  // removes the view; the next update draws it again

 private:
  void draw(const std::string& text);

  std::ostream& out_;
  Terminal terminal_;
  Duration log_interval_;
  std::optional<Instant> drawn_at_;
  std::string shown_;  // what stands on the terminal now, without colour; empty: nothing
  std::string shown_colored_;
};

}  // namespace llmsweep

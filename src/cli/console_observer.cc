#include "cli/console_observer.h"

#include <unistd.h>

#include <optional>
#include <utility>

#include "cli/last_selftest.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

ConsoleObserver::ConsoleObserver(Console& console, bool quiet, const Interrupts& interrupts,
                                 std::string resume)
    : live_(console.err_terminal.live),
      style_(console.err_terminal.style),
      view_(console.err, console.err_terminal),
      quiet_(quiet),
      interrupts_(interrupts),
      resume_(std::move(resume)) {
  // Nobody cuts a line of a pipe or a file: the counts at its end are wanted there.
  if (!live_) style_.width = 1000;
}

void ConsoleObserver::note(const std::string& line) {
  view_.print("note: " + printable(line, 500));
}

void ConsoleObserver::planned(const PlannedLoad& load) {
  note(last_selftest_says(load));
}

void ConsoleObserver::progress(const LevelProgress& progress, Instant now) {
  say_what_an_interrupt_does();
  if (quiet_) return;
  follow_the_window();
  view_.update(progress, now);
}

void ConsoleObserver::run_finished(const std::string& label, const LevelStats& level) {
  if (!quiet_) view_.print(label + level_line(level, style_));
}

void ConsoleObserver::say_what_an_interrupt_does() {
  if (told_ || interrupts_ == 0) return;
  told_ = true;
  view_.print("stopping after the requests in flight; Ctrl-C again stops at once. To go on: " +
              resume_);
}

void ConsoleObserver::follow_the_window() {
  const std::optional<int> columns = live_ ? window_columns(STDERR_FILENO) : std::nullopt;
  if (!columns || *columns == style_.width) return;
  style_.width = *columns;
  view_.resize(*columns);
}

}  // namespace llmsweep

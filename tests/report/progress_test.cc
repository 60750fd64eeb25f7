#include "llmsweep/report/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include "llmsweep/base/text.h"
#include "report/screen.h"

namespace llmsweep {
namespace {

using llmsweep::testing::screen_after;
using ::testing::HasSubstr;
using ::testing::Not;

LevelProgress half_way() {
  return {.position = {.run = {at_concurrency(8), 1}, .repeats = 3, .nth = 3, .levels = 7},
          .done = 40,
          .total = 80,
          .in_flight = 8,
          .output_tps = 871.6,
          .e2e_p50_ms = 14679,
          .e2e_p50_ci95 = Interval{14600, 14750},
          .client_busy = 0.031,
          .level_eta = std::chrono::seconds(42),
          .sweep_eta = std::chrono::seconds(4330)};
}

TEST(ProgressText, AtEightyColumns) {
  EXPECT_EQ(progress_text(half_way(), {.width = 80}),
            "concurrency 8  level 4/7  run 2/3  ██████░░░░░░░  40/80  ETA 0:42  sweep "
            "1:12:10\n"
            "  8 in flight  872 tokens/s  E2E p50 14,679 ms  0 errors  client 3 % busy");
}

TEST(ProgressText, SaysInputsWhereNoTokensAreGenerated) {
  LevelProgress progress = half_way();
  progress.position.inputs = 4;
  progress.output_tps = 0;
  progress.inputs_per_s = 60;
  EXPECT_THAT(progress_text(progress, {.width = 80}), HasSubstr("8 in flight  60.0 inputs/s  E2E"));
  EXPECT_THAT(progress_log_line(progress), HasSubstr("8 in flight, 60.0 inputs/s,"));
  EXPECT_THAT(progress_log_line(progress), Not(HasSubstr("tokens/s")));
}

TEST(ProgressText, AtTwoHundredColumnsWithColor) {
  LevelProgress progress = half_way();
  progress.position.simulated = true;
  progress.errors = 1;
  EXPECT_EQ(
      progress_text(progress, {.color = true, .width = 200}),
      "\x1b[1mconcurrency 8  level 4/7  run 2/3\x1b[0m  \x1b[1;33mSIMULATED\x1b[0m  "
      "\x1b[32m████████████████████░░░░░░░░░░░░░░░░░░░░\x1b[0m  40/80  ETA 0:42  sweep 1:12:10\n"
      "  8 in flight  872 tokens/s  E2E p50 14,679 ms  \x1b[2m[14,600, 14,750]\x1b[0m  "
      "\x1b[1;31m1 error\x1b[0m  client 3 % busy");
}

TEST(ProgressText, ShowsTheTtftOnceOneIsKnown) {
  LevelProgress progress = half_way();
  progress.ttft_p50_ms = 71.04;
  EXPECT_THAT(progress_text(progress, {.width = 100}),
              HasSubstr("14,679 ms  TTFT 71.0 ms  0 errors"));
  EXPECT_THAT(progress_log_line(progress), HasSubstr("TTFT p50 71.0 ms, E2E p50 14,679 ms"));
}

TEST(ProgressText, WithoutUnicode) {
  const std::string text = progress_text(half_way(), {.unicode = false, .width = 80});
  EXPECT_THAT(text, HasSubstr("[#####------]"));
  for (const char c : text) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(ProgressText, NeverIsWiderThanTheTerminal) {
  LevelProgress progress = half_way();
  progress.stage = LevelStage::kStopping;
  progress.position.simulated = true;
  progress.position.run.point = at_concurrency(16384);
  progress.total = 1'638'400;
  for (int width = 20; width <= 220; ++width) {
    for (const std::string& line : split(progress_text(progress, {.width = width}), '\n')) {
      EXPECT_LE(display_width(line), static_cast<size_t>(width)) << line;
    }
  }
}

TEST(ProgressText, SaysWhatIsNotKnownYet) {
  const LevelProgress start{
      .position = {.run = {.point = at_concurrency(1)}}, .stage = LevelStage::kWarmup, .total = 10};
  const std::string text = progress_text(start, {.width = 80});
  EXPECT_THAT(text, HasSubstr("warming up"));
  EXPECT_THAT(text, HasSubstr("E2E p50 – ms"));
  EXPECT_THAT(text, Not(HasSubstr("ETA")));
}

TEST(ProgressLogLine, IsOneLineOfWords) {
  EXPECT_EQ(progress_log_line(half_way()),
            "concurrency 8  level 4/7  run 2/3, 40/80 done, 8 in flight, 872 tokens/s, E2E p50 "
            "14,679 ms, 0 errors, client 3 % busy, level ETA 0:42, sweep ETA 1:12:10");
}

Terminal ascii_terminal(int width) {
  return {.live = true, .style = {.unicode = false, .width = width}};
}

TEST(LiveView, RedrawsInPlaceAtMostTenTimesASecond) {
  std::ostringstream out;
  LiveView view(out, ascii_terminal(80));
  LevelProgress progress = half_way();
  view.update(progress, from_ns(0));
  progress.done = 41;
  view.update(progress, from_ns(50'000'000));  // too soon
  EXPECT_THAT(out.str(), Not(HasSubstr("41/80")));
  view.update(progress, from_ns(100'000'000));
  const std::vector<std::string> screen = screen_after(out.str(), 80);
  ASSERT_EQ(screen.size(), 2u);
  EXPECT_THAT(screen[0], HasSubstr("41/80"));
  EXPECT_THAT(screen[1], HasSubstr("872 tokens/s"));
}

TEST(LiveView, KeepsFinishedLinesAboveAndLeavesNothingBehind) {
  std::ostringstream out;
  {
    LiveView view(out, ascii_terminal(80));
    view.update(half_way(), from_ns(0));
    view.print("concurrency 4 done");
    const std::vector<std::string> screen = screen_after(out.str(), 80);
    ASSERT_EQ(screen.size(), 3u);
    EXPECT_EQ(screen[0], "concurrency 4 done");
    EXPECT_THAT(screen[1], HasSubstr("40/80"));
  }
  EXPECT_EQ(screen_after(out.str(), 80), (std::vector<std::string>{"concurrency 4 done", ""}));
  EXPECT_THAT(out.str(), Not(HasSubstr("?25l")));
}

TEST(LiveView, RemovesWhatANarrowerWindowHasWrapped) {
  std::ostringstream out;
  LiveView view(out, ascii_terminal(100));
  view.update(half_way(), from_ns(0));
  // The terminal wraps the two lines into four rows when it becomes 60 wide.
  out.str("");
  view.resize(60);
  view.clear();
  EXPECT_EQ(out.str(), "\r\x1b[3A\x1b[J");
}

TEST(LiveView, WritesAPlainLineNowAndThenWhereThereIsNoTerminal) {
  std::ostringstream out;
  {
    LiveView view(out, Terminal{}, std::chrono::seconds(5));
    for (int64_t second = 0; second < 11; ++second) {
      view.update(half_way(), from_ns(second * 1'000'000'000));
    }
    view.print("done");
  }
  EXPECT_EQ(split(out.str(), '\n').size(), 3 + 1 + 1u);
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out.str(), Not(HasSubstr("\r")));
}

GetEnv environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto at = values.find(name);
    return at == values.end() ? nullptr : at->second.c_str();
  };
}

class PseudoTerminal {
 public:
  explicit PseudoTerminal(uint16_t columns) {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (openpty(&primary_, &replica_, nullptr, nullptr, &size) != 0) replica_ = -1;
  }
  ~PseudoTerminal() {
    close(primary_);
    close(replica_);
  }
  int fd() const { return replica_; }
  void resize(uint16_t columns) const {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(primary_, TIOCSWINSZ, &size);
  }

 private:
  int primary_ = -1;
  int replica_ = -1;
};

TEST(DetectTerminal, ReadsTheWindowAndTheEnvironment) {
  const PseudoTerminal pty(132);
  const Terminal full =
      detect_terminal(pty.fd(), environment({{"TERM", "xterm"}, {"LANG", "en_US.UTF-8"}}));
  EXPECT_TRUE(full.live);
  EXPECT_TRUE(full.style.color);
  EXPECT_TRUE(full.style.unicode);
  EXPECT_EQ(full.style.width, 132);
  pty.resize(80);
  EXPECT_EQ(window_columns(pty.fd()), 80);
}

TEST(DetectTerminal, HonoursNoColorDumbTerminalsAndTheLocale) {
  const PseudoTerminal pty(80);
  const Terminal grey =
      detect_terminal(pty.fd(), environment({{"TERM", "xterm"}, {"NO_COLOR", "1"}}));
  EXPECT_TRUE(grey.live);
  EXPECT_FALSE(grey.style.color);
  EXPECT_FALSE(grey.style.unicode);
  const Terminal dumb = detect_terminal(pty.fd(), environment({{"TERM", "dumb"}}));
  EXPECT_FALSE(dumb.live);
  EXPECT_FALSE(dumb.style.color);
  const Terminal overridden = detect_terminal(
      pty.fd(), environment({{"TERM", "xterm"}, {"LC_ALL", "C"}, {"LANG", "en_US.UTF-8"}}));
  EXPECT_FALSE(overridden.style.unicode);
}

TEST(DetectTerminal, SeesAPipe) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const Terminal pipe_end = detect_terminal(fds[1], environment({{"TERM", "xterm"}}));
  EXPECT_FALSE(pipe_end.live);
  EXPECT_FALSE(pipe_end.style.color);
  EXPECT_EQ(pipe_end.style.width, 100);
  close(fds[0]);
  close(fds[1]);
}

}  // namespace
}  // namespace llmsweep

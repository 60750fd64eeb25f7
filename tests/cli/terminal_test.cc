// The live view of a run as a terminal shows it: the real binary under a pseudo-terminal.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "cli/terminal.h"
#include "llmsweep/base/files.h"
#include "report/screen.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::screen_after;

// Two levels of about a second each on the simulator.
std::vector<std::string> run_words() {
  const std::filesystem::path folder = test_folder();
  write_file_atomically(folder / "profile.yaml",
                        "engine:\n  step: {base_ms: 5, per_prefill_token_us: 1, per_sequence_us: "
                        "100}\n  max_batch_size: 8\n");
  write_file_atomically(
      folder / "spec.yaml",
      "name: test\nsystem: {gpus: 2}\nendpoint: {simulator: " + (folder / "profile.yaml").string() +
          "}\nworkload: {input_tokens: 50, output_tokens: 40}\n"
          "load: {concurrency: [1, 4], requests_per_slot: 4, repeats: 1}\n");
  return {LLMSWEEP_BINARY, "run", (folder / "spec.yaml").string(), "--out",
          (folder / "out").string()};
}

std::string joined(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += row + "\n";
  return text;
}

bool live(const std::string& bytes) {
  return bytes.find("in flight") != std::string::npos;
}

TEST(TerminalRun, DrawsTheViewAndLeavesOnlyFinishedLines) {
  for (const uint16_t columns : {uint16_t{80}, uint16_t{200}}) {
    TerminalProcess run(run_words(), columns, {"TERM=xterm", "LANG=C"});
    EXPECT_EQ(run.wait(), 0);
    EXPECT_TRUE(live(run.bytes()));
    EXPECT_THAT(run.bytes(), HasSubstr("\x1b["));
    const std::string screen = joined(screen_after(run.bytes(), columns));
    EXPECT_THAT(screen, Not(HasSubstr("in flight")));
    EXPECT_THAT(screen, HasSubstr("concurrency    1 "));
    EXPECT_THAT(screen, HasSubstr("concurrency    4 "));
    EXPECT_THAT(screen, HasSubstr("[SIMULATED]"));
  }
}

TEST(TerminalRun, LeavesTheTerminalCleanAfterCtrlC) {
  TerminalProcess run(run_words(), 80, {"TERM=xterm", "LANG=C"});
  ASSERT_TRUE(run.read_until(live)) << run.bytes();
  run.type("\x03");
  EXPECT_EQ(run.wait(), 130);
  const std::string screen = joined(screen_after(run.bytes(), 80));
  EXPECT_THAT(screen, Not(HasSubstr("in flight  ")));  // a part of the view
  EXPECT_THAT(screen, HasSubstr("Ctrl-C again stops at once"));
  EXPECT_THAT(run.bytes(), Not(HasSubstr("\x1b[?")));  // no mode that would have to be undone
}

TEST(TerminalRun, FollowsTheWindow) {
  TerminalProcess run(run_words(), 120, {"TERM=xterm", "LANG=C"});
  ASSERT_TRUE(run.read_until(live)) << run.bytes();
  run.resize(60);
  const size_t before = run.bytes().size();
  EXPECT_EQ(run.wait(), 0);
  const std::string after = run.bytes().substr(before);
  const size_t redrawn = after.find("\x1b[J", after.find("\x1b[J") + 1);
  ASSERT_NE(redrawn, std::string::npos);
  // The widest row of a frame that was drawn for 60 columns.
  const std::string frame =
      after.substr(redrawn + 3, after.find("\x1b[J", redrawn + 3) - redrawn - 3);
  for (const std::string& row : screen_after(frame, 1000)) EXPECT_LE(row.size(), 60u) << row;
}

TEST(TerminalRun, WritesPlainLinesToAPipe) {
  const std::vector<std::string> words = run_words();
  const ProcessResult run = run_llmsweep(std::vector<std::string>(words.begin() + 1, words.end()));
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err + run.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run.err + run.out, Not(HasSubstr("\r")));
  EXPECT_THAT(run.err, HasSubstr("concurrency 1  level 1/2"));
  EXPECT_THAT(run.err, HasSubstr("concurrency    4 "));
}

TEST(TerminalRun, HonoursNoColorAndDumbTerminals) {
  TerminalProcess grey(run_words(), 80, {"TERM=xterm", "LANG=C", "NO_COLOR=1"});
  EXPECT_EQ(grey.wait(), 0);
  EXPECT_TRUE(live(grey.bytes()));
  for (size_t at = grey.bytes().find('\x1b'); at != std::string::npos;
       at = grey.bytes().find('\x1b', at + 1)) {
    EXPECT_NE(grey.bytes()[grey.bytes().find_first_of("AJm", at)], 'm');
  }
  TerminalProcess dumb(run_words(), 80, {"TERM=dumb", "LANG=C"});
  EXPECT_EQ(dumb.wait(), 0);
  EXPECT_THAT(dumb.bytes(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(dumb.bytes(), HasSubstr("concurrency 1  level 1/2"));
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/report/table.h"

#include <gmock/gmock.h>

#include "llmsweep/base/text.h"
#include "llmsweep/report/markdown.h"
#include "report/sample_results.h"

namespace llmsweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string widest_line(const std::string& text) {
  std::string widest;
  for (const std::string& line : split(text, '\n')) {
    if (display_width(line) > display_width(widest)) widest = line;
  }
  return widest;
}

TEST(LevelTable, ShowsEveryLevelWithItsHeadlineNumbers) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(1, 5801, 272, 4), sample::level(8, 14679, 872, 4)};
  const std::string text = level_table(result, {.width = 110});
  EXPECT_THAT(text, HasSubstr("2,400 in / 1,600 out, sharegpt-sample.json, seed 1"));
  EXPECT_THAT(text,
              HasSubstr("gb200, FP8, 4 GPUs, TensorRT LLM 1.2.0rc8, TP4, MTP on, max batch 64"));
  EXPECT_THAT(text,
              HasSubstr("          1       272      68.0       5,801    [5,685, 5,917]  70.0"));
  EXPECT_THAT(text, HasSubstr("          8       872       218      14,679  [14,385, 14,973]"));
  EXPECT_THAT(text, HasSubstr("\n872 tokens/s at concurrency 8; median E2E 5,801 ms at "
                              "concurrency 1\nvalid 2 of 2 levels, client's delay unknown, no "
                              "warning\n"));
  EXPECT_THAT(text, HasSubstr("between 3 repeats"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(LevelTable, DropsColumnsInsteadOfBreakingLines) {
  const SweepResult result = sample::three_sweeps()[0];
  for (const int width : {60, 70, 80, 100, 200}) {
    const std::string text = level_table(result, {.width = width});
    EXPECT_LE(display_width(widest_line(text)), static_cast<size_t>(width)) << widest_line(text);
    EXPECT_THAT(text, HasSubstr("median E2E"));
  }
  EXPECT_THAT(level_table(result, {.width = 80}), HasSubstr("TTFT"));
  EXPECT_THAT(level_table(result, {.width = 60}), Not(HasSubstr("TPOT")));
}

TEST(LevelTable, SaysWhatALevelIsWorth) {
  SweepResult result = sample::empty_result("busy", 4);
  result.simulated = true;
  result.interrupted = true;
  result.levels = {sample::level(1, 5801, 272, 4), sample::level(8, 14679, 872, 4)};
  result.levels[1].pooled.valid = false;
  result.levels[1].pooled.invalid_reasons = {InvalidReason::kClientBusy};
  result.levels[0].pooled.warnings = {Warning::kOneRepeat};
  result.levels[1].pooled.warnings = {Warning::kOneRepeat};
  const std::string text = level_table(result, {});
  EXPECT_THAT(text, HasSubstr("busy [SIMULATED] [interrupted]"));
  EXPECT_THAT(text, HasSubstr("INVALID level 8: "));
  EXPECT_THAT(text, HasSubstr("warning levels 1, 8: "));
  EXPECT_THAT(level_table(result, {.color = true}), HasSubstr("\x1b[1;31mINVALID\x1b[0m"));
}

TEST(LevelTable, LetsNoEscapeSequenceOfAFileThrough) {
  SweepResult result = sample::empty_result(
      "\x1b[2Jname\x07 \xe2\x80\xae"
      "evil\n",
      4);
  result.workload.dataset = "\x1b]0;title\x07";
  result.levels = {sample::level(1, 5801, 272, 4)};
  const std::string text = level_table(result, {.width = 200});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  result.name = std::string(10'000, 'x');
  EXPECT_LE(display_width(widest_line(level_table(result, {.width = 80}))), 80u);
}

TEST(LevelTable, StaysAsciiWhereAsked) {
  SweepResult result = sample::published()[0];
  for (const char c : level_table(result, {.unicode = false})) {
    EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  }
}

TEST(LevelTable, ShowsABoundAsABound) {
  const SweepResult result = sample::published()[0];
  EXPECT_THAT(level_table(result, {}), HasSubstr("≤ 15,000"));
  EXPECT_THAT(level_table(result, {.unicode = false}), HasSubstr("<= 15,000"));
  EXPECT_THAT(level_table(result, {}), Not(HasSubstr("*")));
}

TEST(LevelTable, MarksAFigureThatTheClientMayHaveMade) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(1, 5801, 272, 4), sample::level(8, 14679, 872, 4)};
  EXPECT_THAT(level_table(result, {.width = 110}), Not(HasSubstr("! the client")));
  result.levels[1].pooled.validity = {{"e2e:p50", {InvalidReason::kClientDelay}}};
  const std::string text = level_table(result, {.width = 110});
  EXPECT_THAT(text, HasSubstr(" 14,679! "));
  EXPECT_THAT(text, HasSubstr(" 5,801 "));
  EXPECT_THAT(text, HasSubstr("! the client may have made it"));
}

TEST(LevelTable, SaysThatNothingWasMeasured) {
  EXPECT_THAT(level_table(SweepResult{}, {}), HasSubstr("no level was measured"));
}

SweepResult with_target(Target target, UsersKind kind, int users, std::optional<int> fails) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(8, 1'200, 872, 4), sample::level(16, 1'700, 900, 4)};
  result.users_at_target = {{.target = target, .kind = kind, .users = users, .c_fail = fails}};
  return result;
}

std::string line_of(const std::string& text, size_t number) {
  return split(text, '\n').at(number);
}

TEST(LevelTable, SaysFirstWhatWasFoundAndWhetherToBelieveIt) {
  const Target target{.max = std::chrono::milliseconds(1500)};
  const auto first = [&](UsersKind kind, int users, std::optional<int> fails) {
    return line_of(level_table(with_target(target, kind, users, fails), {}), 1);
  };
  EXPECT_EQ(first(UsersKind::kMeasured, 8, 16),
            "8 users on 4 GPUs within 1,500 ms p50 E2E; 16 do not fit");
  EXPECT_EQ(first(UsersKind::kBeyondSweep, 16, {}),
            "16 users on 4 GPUs within 1,500 ms p50 E2E, the highest level: there may be room");
  EXPECT_EQ(first(UsersKind::kBelowSweep, 0, 1),
            "Not even the lowest level on 4 GPUs is within 1,500 ms p50 E2E; 1 does not fit");
  SweepResult result = with_target(target, UsersKind::kMeasured, 8, 16);
  for (LevelStats& level : result.levels) level.pooled.client.receive_samples = 100;
  result.levels[1].pooled.client.receive_delay_p99_ms = 0.214;
  result.levels[1].pooled.warnings = {Warning::kOneRepeat};
  EXPECT_EQ(line_of(level_table(result, {}), 2),
            "valid 2 of 2 levels, client at most 0.21 ms late (p99), 1 warning");
  EXPECT_EQ(line_of(level_table(result, {.color = true}), 1),
            "\x1b[1m8 users on 4 GPUs within 1,500 ms p50 E2E; 16 do not fit\x1b[0m");
}

TEST(LevelTable, QuotesNothingOfAnInvalidLevel) {
  SweepResult result = with_target({}, UsersKind::kNoValidLevel, 0, {});
  result.levels[1].pooled.valid = false;
  result.users_at_target.clear();
  EXPECT_EQ(line_of(level_table(result, {}), 1),
            "872 tokens/s, median E2E 1,200 ms at concurrency 8");
  EXPECT_THAT(line_of(level_table(result, {.color = true}), 2),
              HasSubstr("\x1b[1;31mvalid 1 of 2 levels"));
  result.levels[0].pooled.valid = false;
  EXPECT_EQ(line_of(level_table(result, {}), 1),
            "INVALID: none of the 2 levels says anything of the server");
}

TEST(LevelTable, ShowsWhatWasAskedForAndNotTheSameFigureTwice) {
  const Target target{
      .metric = Metric::kTtft, .statistic = Statistic::kP90, .max = std::chrono::milliseconds(500)};
  SweepResult result = with_target(target, UsersKind::kMeasured, 8, 16);
  result.system.gpus = 1;
  for (LevelStats& level : result.levels) {
    level.runs.clear();
    level.pooled.ttft.p90 = 123.4;
    level.pooled.goodput_fraction = 0.985;
  }
  const std::string text = level_table(result, {.width = 120});
  EXPECT_THAT(text, HasSubstr("TTFT  TTFT p90"));
  EXPECT_THAT(text, HasSubstr("goodput"));
  EXPECT_THAT(text, Not(HasSubstr("per GPU")));
}

TEST(UsersSentences, NameTheBracketAndTheDenominator) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.users_at_target = {{.target = {.max = std::chrono::seconds(15)},
                             .users = 8,
                             .c_pass = 8,
                             .c_fail = 16,
                             .c_interpolated = 8.37,
                             .users_per_gpu = 2}};
  EXPECT_THAT(users_sentences(result),
              ElementsAre("at 15,000 ms p50 E2E: 8 users on 4 GPUs = 2.00 users per GPU (8 passes, "
                          "16 fails; about 8.4 interpolated)"));
}

TEST(UsersSentences, NeverExtrapolate) {
  SweepResult result = sample::empty_result("h200", 1);
  const Target target{
      .metric = Metric::kTtft, .statistic = Statistic::kP90, .max = std::chrono::milliseconds(500)};
  result.users_at_target = {{.target = target, .kind = UsersKind::kBelowSweep, .c_fail = 1},
                            {.target = target,
                             .kind = UsersKind::kBeyondSweep,
                             .users = 1,
                             .c_pass = 1,
                             .users_per_gpu = 1},
                            {.target = target, .kind = UsersKind::kNoValidLevel}};
  EXPECT_THAT(
      users_sentences(result),
      ElementsAre("at 500 ms p90 TTFT: no measured level meets it on 1 GPU (1 fails)",
                  "at 500 ms p90 TTFT: at least 1 user on 1 GPU = at least 1.00 users per "
                  "GPU (1 is the highest level and passes)",
                  "at 500 ms p90 TTFT: no level on 1 GPU is valid, so nothing can be said"));
}

TEST(LevelLine, FitsTheTerminal) {
  LevelStats level = sample::level(64, 31'000, 3300, 4);
  level.pooled.valid = false;
  level.pooled.invalid_reasons = {InvalidReason::kClientDelay, InvalidReason::kSlotGap};
  for (const int width : {60, 80, 200}) {
    const std::string line = level_line(level, {.width = width});
    EXPECT_THAT(line, HasSubstr("concurrency   64  INVALID: client delay, slot gap"));
    EXPECT_LE(display_width(line), static_cast<size_t>(width));
  }
}

TEST(LevelTable, ShowsTheColumnsThatAreNamedAndNoOthers) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(8, 14679, 872, 4)};
  result.levels[0].runs.clear();
  result.levels[0].pooled.itl = {.count = 900, .mean = 4, .p50 = 3.21, .p99 = 9.87};
  result.levels[0].pooled.goodput_fraction = 0.985;
  const auto columns = parse_columns("itl,itl:p99,goodput,output_speed", ColumnsOf::kLevel);
  const std::string text = level_table(result, {.width = 60, .columns = columns});
  EXPECT_THAT(text, HasSubstr("concurrency   ITL  ITL p99  goodput  per user  valid\n"));
  EXPECT_THAT(text, HasSubstr("          8  3.21     9.87     98.5       109  yes\n"));
  EXPECT_THAT(text, Not(HasSubstr("95 % interval")));
  EXPECT_THAT(markdown_report({&result, 1}, columns),
              HasSubstr("| 8 | 3.21 | 9.87 | 98.5 | 109 | yes |\n"));
}

TEST(LevelTable, ShowsTheServersSentenceOnceWithItsCount) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(1, 5801, 272, 4)};
  result.levels[0].pooled.requests.errors = {{"HTTP 400: context \x1b[2J too short", 12}};
  const std::string text = level_table(result, {.width = 200});
  EXPECT_THAT(text, HasSubstr("failed level 1: 12 requests failed: HTTP 400: context"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace llmsweep

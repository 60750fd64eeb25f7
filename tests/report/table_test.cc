#include "llmsweep/report/table.h"

#include <gmock/gmock.h>

#include "llmsweep/base/text.h"
#include "llmsweep/report/html.h"
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

TEST(LevelTable, SaysWhatUsersDidAndThatTheyThink) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(8, 5801, 272, 4)};
  LevelStats& level = result.levels[0];
  level.point = with_users(24);
  const Distribution of_sessions{.count = 40, .p50 = 81'200};
  level.pooled.sessions = SessionLoad{.think_mean_s = 19.53,
                                      .response_mean_s = 10.2,
                                      .turns_rps = 0.8,
                                      .users_by_law = 23.77,
                                      .ended = 40,
                                      .broken = 1,
                                      .turns_not_sent = 3,
                                      .duration = of_sessions,
                                      .waiting = {.count = 40, .p50 = 31'400},
                                      .ttft_sum = {.count = 40, .p50 = 2150},
                                      .prefix = PrefixTokens{.input_tokens = 2000,
                                                             .ideal_tokens = 1000,
                                                             .reported_tokens = 970,
                                                             .leaked_tokens = 30},
                                      .turns = {{.from = 1,
                                                 .to = 1,
                                                 .ttft = {.count = 50, .p50 = 310},
                                                 .e2e = {.count = 50, .p50 = 10'100}},
                                                {.from = 3,
                                                 .to = 4,
                                                 .ttft = {.count = 90, .p50 = 81.2},
                                                 .e2e = {.count = 90, .p50 = 9900}},
                                                {.from = 2,
                                                 .to = 0,
                                                 .ttft = {.count = 120, .p50 = 80},
                                                 .e2e = {.count = 120, .p50 = 9950}}}};
  result.users_at_target = {{.target = {.max = std::chrono::seconds(15)},
                             .kind = UsersKind::kBeyondSweep,
                             .users = 24,
                             .c_pass = 24,
                             .users_per_gpu = 6}};
  const std::string text = level_table(result, {.width = 400});
  EXPECT_THAT(text, HasSubstr("24 users who think 19.5 s on 4 GPUs within 15,000 ms p50 E2E"));
  EXPECT_THAT(text,
              HasSubstr("users 24: 19.5 s to think, 10.2 s to answer, X(R+Z) = 23.8 users; 40 "
                        "sessions ended, in 81.2 s of which 31.4 s waiting and 2.15 s for "
                        "first tokens (medians); 1 turn failed, and 3 later turns were not "
                        "sent; 97 % of the tokens cached that a turn before had put there, "
                        "and 1.5 % of the input from elsewhere\n"));
  EXPECT_THAT(text, HasSubstr("   24          1        50       310"));
  EXPECT_THAT(text, HasSubstr("   24        3–4        90      81.2"));
  EXPECT_THAT(text, HasSubstr("   24  from 2 on       120"));
  EXPECT_THAT(users_sentences(result)[0],
              HasSubstr("at least 24 users who think 19.5 s on 4 GPUs"));
  EXPECT_LE(display_width(widest_line(level_table(result, {.width = 60}))), 60U);
  EXPECT_THAT(level_table(sample::three_sweeps()[0], {.width = 200}), Not(HasSubstr("think")));

  const std::string markdown = markdown_report(std::span(&result, 1));
  EXPECT_THAT(markdown, HasSubstr("| users | turn | requests | TTFT p50, ms |"));
  EXPECT_THAT(markdown, HasSubstr("\n| 24 | 3–4 | 90 | 81.2 | - | 9,900 | - |\n"));
  EXPECT_THAT(markdown, HasSubstr("users 24: 19.5 s to think, 10.2 s to answer, "));
  const std::string page = html_report({.results = std::span(&result, 1)});
  EXPECT_THAT(page, HasSubstr("<td>24</td><td>3–4</td><td>90</td><td>81.2</td>"));
  EXPECT_THAT(page, HasSubstr("users 24: 19.5 s to think"));
  EXPECT_THAT(markdown_report(sample::three_sweeps()), Not(HasSubstr("| turn |")));
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
  SweepResult above = with_target(target, UsersKind::kBeyondSweep, 8, {});
  above.levels[1].pooled.valid = false;
  EXPECT_EQ(line_of(level_table(above, {}), 1),
            "8 users on 4 GPUs within 1,500 ms p50 E2E; 16 is INVALID: there may be room");
  above.users_at_target[0].kind = UsersKind::kMeasured;
  above.users_at_target[0].c_fail = 32;
  EXPECT_EQ(line_of(level_table(above, {}), 1),
            "8 users on 4 GPUs within 1,500 ms p50 E2E; 32 do not fit, 16 is INVALID");
  SweepResult below = with_target(target, UsersKind::kBelowSweep, 0, 16);
  below.levels[0].pooled.valid = false;  // of 8, which may have met it
  EXPECT_EQ(line_of(level_table(below, {}), 1),
            "No valid level on 4 GPUs is within 1,500 ms p50 E2E; 16 do not fit");
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

// The first line that begins so.
std::string line_with(const std::string& text, const std::string& beginning) {
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with(beginning)) return line;
  }
  return "";
}

TEST(LevelTable, ExplainsTheTermsThatItShowsAndNoOthers) {
  const Target target{.max = std::chrono::milliseconds(1500)};
  SweepResult result = with_target(target, UsersKind::kMeasured, 8, 16);
  const std::string wide = level_table(result, {.width = 400});
  EXPECT_EQ(line_with(wide, "E2E: "),
            "E2E: from a request's start to its last token; p50: half took no longer; p90: 90 of "
            "100 took no longer; p99: 99 of 100 took no longer, from 300 requests on; TTFT: from "
            "its start to its first token; TPOT: time per output token after the first; per user: "
            "a request's output tokens / its E2E");
  // What gave way to the window is not explained; the headline is.
  const std::string narrow = level_table(result, {.width = 60});
  EXPECT_THAT(narrow, Not(HasSubstr("per user")));
  EXPECT_THAT(narrow, HasSubstr("p50: half"));
  EXPECT_THAT(wide, HasSubstr("intervals: 95 %"));
  EXPECT_THAT(narrow, Not(HasSubstr("intervals: 95 %")));
  EXPECT_THAT(wide, Not(HasSubstr("ITL: ")));
  result.levels[0].pooled.validity = {{"itl:p99", {InvalidReason::kClientDelay}}};
  EXPECT_THAT(level_table(result, {.width = 400}), HasSubstr("; ITL: gap between"));
  result.levels[0].pooled.client.receive_samples = 100;
  EXPECT_THAT(level_table(result, {.width = 400}), HasSubstr("; client late (p99): "));
  const TableStyle throughput{.columns = parse_columns("throughput", ColumnsOf::kLevel)};
  result.users_at_target.clear();
  result.levels[0].pooled.client.receive_samples = 0;
  EXPECT_EQ(line_with(level_table(result, throughput), "E2E: "), "");
  EXPECT_THAT(markdown_report({&result, 1}),
              HasSubstr("\n\nE2E: from a request's start to its last "
                        "token; TTFT: "));
}

TEST(LevelTable, ShowsTheRangeOfTwoRepeats) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(1, 100, 272, 4), sample::level(8, 200, 872, 4)};
  const auto keep = [](LevelStats& level, const std::vector<double>& e2e_ms) {
    level.runs.resize(e2e_ms.size());
    for (size_t i = 0; i < e2e_ms.size(); ++i) level.runs[i].e2e.p50 = e2e_ms[i];
  };
  keep(result.levels[0], {111, 109});
  keep(result.levels[1], {200, 210});
  const std::string both = level_table(result, {.width = 110});
  EXPECT_THAT(both, HasSubstr("  range  "));
  EXPECT_THAT(both, HasSubstr("  110  109 to 111  "));
  EXPECT_THAT(both, HasSubstr("A to B: the range of 2 repeats; 3 give an interval"));
  EXPECT_THAT(both, Not(HasSubstr("95 %")));
  EXPECT_THAT(level_line(result.levels[0], {}), HasSubstr("E2E     110 ms 109 to 111"));
  EXPECT_THAT(markdown_report({&result, 1}), HasSubstr("| 110 | 109 to 111 |"));
  keep(result.levels[1], {200, 205, 210});  // one level has an interval
  const std::string mixed = level_table(result, {.width = 110});
  EXPECT_THAT(mixed, HasSubstr("95 % interval"));
  EXPECT_THAT(mixed, HasSubstr("intervals: 95 %, between 3 repeats; A to B: the range of 2"));
}

TEST(LevelTable, FoldsTheMarksOfSeveralMetricsIntoOneLine) {
  SweepResult result = with_target({}, UsersKind::kMeasured, 8, 16);
  for (LevelStats& level : result.levels) {
    level.pooled.warnings = {Warning::kClientDelayTtft, Warning::kClientDelayTtfo,
                             Warning::kClientDelayItl, Warning::kClientDelayIcl};
  }
  result.levels[0].pooled.warnings.push_back(Warning::kClientDelayTpot);
  const std::string text = level_table(result, {.width = 400});
  const std::string rest =
      " are marked !: too much of them is the client's own delay, or too many gaps were left out. "
      "Give the client idle cores, or raise client.threads.";
  EXPECT_EQ(line_with(text, "warning"),
            "warning levels 8, 16: Figures of TTFT, TTFO, ITL and ICL "
            "(levels 8, 16) and TPOT (level 8)" +
                rest);
  EXPECT_THAT(text, HasSubstr(", 1 warning\n"));
  result.levels[0].pooled.warnings.pop_back();
  EXPECT_EQ(line_with(level_table(result, {.width = 400}), "warning"),
            "warning levels 8, 16: Figures of TTFT, TTFO, ITL and ICL" + rest);
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

TEST(UsersSentences, StayInsideTheTerminal) {
  SweepResult result = sample::empty_result("gb200", 4);
  EXPECT_EQ(users_text(result, {.width = 80}), "");
  result.users_at_target = {{.target = {.max = std::chrono::seconds(15)},
                             .users = 8,
                             .c_pass = 8,
                             .c_fail = 16,
                             .c_interpolated = 8.37,
                             .users_per_gpu = 2}};
  EXPECT_EQ(users_text(result, {.width = 80}),
            "\nat 15,000 ms p50 E2E: 8 users on 4 GPUs = 2.00 users per GPU (8 passes, 16\n"
            "  fails; about 8.4 interpolated)\n");
  EXPECT_EQ(split(users_text(result, {.width = 160}), '\n').size(), 3u);
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
                  "GPU (1 is the highest valid level, and passes)",
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

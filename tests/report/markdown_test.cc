#include "llmsweep/report/markdown.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "report/escape.h"
#include "report/sample_results.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SweepResult hostile(const std::string& name) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.name = name;
  result.model = name;
  result.system.engine = name;
  result.levels = {sample::level(8, 14679, 872, 4)};
  return result;
}

// Cells of a table line: bars that no backslash escapes.
size_t bars(const std::string& line) {
  size_t count = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    count += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
  }
  return count;
}

TEST(MarkdownReport, HoldsTheTableAndTheSentence) {
  const std::string text = markdown_report(sample::three_sweeps());
  EXPECT_THAT(text, HasSubstr("### GB200 NVFP4\n"));
  EXPECT_THAT(text, HasSubstr("| 1 | 276 | 69.0 | 5,801 | [5,685, 5,917] | 70.0 | 3.58 | 0.048 | "
                              "yes |\n"));
  EXPECT_THAT(text, HasSubstr("8 users on 4 GPUs = 2.00 users per GPU"));
}

TEST(MarkdownReport, ShowsMarksAndRemedies) {
  SweepResult result = hostile("busy");
  result.simulated = true;
  result.levels[0].pooled.valid = false;
  result.levels[0].pooled.invalid_reasons = {InvalidReason::kErrors};
  const std::string text = markdown_report({&result, 1});
  EXPECT_THAT(text, HasSubstr("### busy **[SIMULATED]**"));
  EXPECT_THAT(text, HasSubstr("- **INVALID** level 8: "));
  EXPECT_THAT(text, HasSubstr("| **NO** |"));
}

TEST(MarkdownReport, HasTheFiguresOfEachModel) {
  SweepResult result = sample::empty_result("gb200", 4);
  result.levels = {sample::level(8, 14679, 872, 4)};
  EXPECT_THAT(markdown_report({&result, 1}), Not(HasSubstr("By model")));
  result = sample::of_two_models(result);
  const std::string text = markdown_report({&result, 1});
  EXPECT_THAT(text, HasSubstr("\n**By model**\n\n| concurrency | model | requests (%) | failed | "
                              "median E2E (ms) | input (tokens) | output (tokens) | "
                              "median TTFT (ms) | median TPOT (ms) |\n"
                              "|---:|---|---:|---:|---:|---:|---:|---:|---:|\n"
                              "| 8 | large | 25.0 | 1 | 29,358 | 2,400 | 1,600 | 140 | – |\n"
                              "| 8 | small | 75.0 | 0 | 14,679 | 2,400 | 1,600 | 70.0 | – |\n"));
  result.levels[0].models[0].model = "a|b <i>";
  EXPECT_THAT(markdown_report({&result, 1}), HasSubstr("| 8 | a\\|b &lt;i"));
  result.workload.inputs_per_request = 3;
  EXPECT_THAT(markdown_report({&result, 1}),
              HasSubstr("| failed | median E2E (ms) | input (tokens) |\n"));
}

TEST(MarkdownReport, KeepsHostileTextInItsPlace) {
  const SweepResult result = hostile(
      "a|b\n# head <script>alert(1)</script> [x](javascript:1) @user `c` *b* https://e.org");
  const std::string text = markdown_report({&result, 1});
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, Not(HasSubstr("\n# head")));
  EXPECT_THAT(text, Not(HasSubstr("@user")));
  EXPECT_THAT(text, Not(HasSubstr("https://")));
  EXPECT_THAT(text, HasSubstr("a\\|b"));
  EXPECT_THAT(text, HasSubstr("[x\\](javascript"));
  for (const std::string& line : split(text, '\n')) {
    if (line.rfind('|', 0) == 0) {
      EXPECT_EQ(bars(line), 10u) << line;
    }
  }
}

TEST(MarkdownText, EscapesOnlyWhatMeansSomething) {
  for (const char* plain :
       {"Qwen2.5-7B (v1.2-rc8)", "max_model_len 2,048", "at 15,000 ms p50 E2E: 8 users on 4 GPUs",
        "intervals: [5,790, 5,812], 95 % + more", "25.0", "2.54×", "{a} = b!", "C# in words",
        "50 in / 40 out"}) {
    EXPECT_EQ(report::markdown(plain), plain);
  }
  EXPECT_EQ(report::markdown("_a_ a_b"), "\\_a\\_ a_b");
  EXPECT_EQ(report::markdown("# a #12"), "\\# a \\#12");
  EXPECT_EQ(report::markdown("www.e.org http://e.org a@b.c"),
            "www\\.e.org http&#58;//e.org a&#64;b.c");
  EXPECT_EQ(report::markdown("[a](b) [x][y] [z]: u"), "\\[a\\](b) [x\\][y] [z\\]: u");
  EXPECT_EQ(report::markdown("1. a"), "1\\. a");
  EXPECT_EQ(report::markdown("- a"), "\\- a");
}

TEST(MarkdownText, CutsWhatIsTooLong) {
  EXPECT_LT(report::markdown(std::string(10'000, 'x')).size(), 250u);
}

TEST(LevelsCsv, HasOneLineALevelWithEveryFieldUnderItsName) {
  const std::vector<SweepResult> results = sample::three_sweeps();
  const std::vector<std::string> lines = split(levels_csv(results), '\n');
  ASSERT_EQ(lines.size(), 1 + 27 + 1u);
  const std::vector<std::string> header = split(std::string(trim(lines[0])), ',');
  const std::vector<std::string> first = split(std::string(trim(lines[1])), ',');
  ASSERT_EQ(header.size(), first.size());
  const auto value = [&](const std::string& name) {
    const auto at = std::find(header.begin(), header.end(), name);
    return at == header.end() ? "no such column" : first[static_cast<size_t>(at - header.begin())];
  };
  EXPECT_EQ(value("name"), "GB200 NVFP4");
  EXPECT_EQ(value("concurrency"), "1");
  EXPECT_EQ(value("e2e_ms_p50"), "5801");
  EXPECT_EQ(value("e2e_ms_p99"), "");
  EXPECT_EQ(value("gpus"), "4");
  EXPECT_EQ(value("valid"), "true");
}

TEST(LevelsCsv, QuotesAndDefusesText) {
  EXPECT_EQ(report::csv_text("plain"), "plain");
  EXPECT_EQ(report::csv_text("a,\"b\""), "\"a,\"\"b\"\"\"");
  EXPECT_EQ(report::csv_text("=HYPERLINK(1)"), "'=HYPERLINK(1)");
  EXPECT_EQ(report::csv_text("two\nlines"), "two\\nlines");
  for (const char* formula : {" =1", "  @x", "\u00a0+1", "\u3000-1", "\ufeff=1", "＝1+1", "＋1",
                              "－1", "＠SUM(1)", "\u00ad=1", "\u2060=1", "﹦1", "⁺1", "\u180e@x"}) {
    EXPECT_EQ(report::csv_text(formula), "'" + std::string(formula));
  }
}

TEST(Markup, EscapesEverythingThatAnElementOrAnAttributeCouldEndOn) {
  EXPECT_EQ(report::markup("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
  EXPECT_EQ(report::script_json("{\"a\":\"</script>\"}"), "{\"a\":\"\\u003c/script\\u003e\"}");
}

}  // namespace
}  // namespace llmsweep

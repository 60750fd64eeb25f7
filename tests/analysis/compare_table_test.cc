#include "llmsweep/report/compare_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/make_result.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using ::testing::Contains;
using testing::e2e_target;
using ::testing::HasSubstr;
using testing::make_result;
using ::testing::Not;
using namespace std::chrono_literals;

const std::string kHostile = "a\"b|c\n\x1b[31m<script>alert(1)</script>]]>=1+1";

SweepResult h200() {
  SweepResult result = make_result("h200-fp8", 8, {{1, {14716}}, {8, {16100}}});
  result.system.weights_gb = 690;
  result.quality = {{"GPQA Diamond", 0.849}};
  return result;
}

SweepResult gb200() {
  SweepResult result = make_result("gb200-nvfp4", 4, {{1, {5801}}, {8, {12000}}, {16, {19100}}});
  result.system.weights_gb = 415;
  result.quality = {{"GPQA Diamond", 0.835}};
  return result;
}

std::vector<Comparison> article() {
  return {compare(h200(), gb200(), {.targets = {e2e_target(15s)}})};
}

TEST(HeadlineSentences, SayWhatTheArticleSays) {
  const std::vector<std::string> lines = headline_sentences(article()[0]);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(
      lines[0],
      "at 15,000 ms p50 E2E: 8 users on 4 GPUs against 1 on 8: 2 against 0.125 users per GPU, "
      "16×");
  EXPECT_EQ(lines[1],
            "latency at concurrency 1: 5,801 against 14,716 ms, 2.54× lower (one repeat: no "
            "between-run interval)");
  EXPECT_EQ(lines[3], "weights: 415 against 690 GB, 1.66× smaller");
}

TEST(HeadlineSentences, CallTheSameTheSame) {
  const SweepResult a = make_result("a", 1, {{1, {5000}}, {8, {20000}}});
  const Comparison comparison = compare(a, a, {.targets = {e2e_target(15s)}});
  EXPECT_EQ(headline_sentences(comparison)[0],
            "at 15,000 ms p50 E2E: 1 against 1 users per GPU, the same");
}

TEST(HeadlineSentences, SayWhyAnIntervalWithoutOneShowsNoDifference) {
  Comparison comparison = article()[0];
  comparison.family.rows = 17;
  comparison.headlines = {{.kind = HeadlineKind::kLatency,
                           .last = at_concurrency(8),
                           .levels = 3,
                           .ci95 = Interval{1.008, 1.245},
                           .ratio = 1 / 1.12,
                           .verdict = Verdict::kNoDifferenceShown}};
  const auto sentence = [&](Interval interval) {
    comparison.headlines[0].ci95 = interval;
    return headline_sentences(comparison)[0];
  };
  EXPECT_THAT(sentence({1.008, 1.245}),
              HasSubstr("(no difference shown: of 17 rows one may look so by chance)"));
  EXPECT_THAT(sentence({1.008, 1.02}), HasSubstr("(no difference shown: none of 3 % or more)"));
  EXPECT_THAT(sentence({0.99, 1.245}), HasSubstr("(no difference shown)"));
}

TEST(HeadlineSentences, TurnTheWordsRoundWhereTheCandidateIsWorse) {
  const Comparison back = compare(gb200(), h200(), {.targets = {e2e_target(15s)}});
  const std::vector<std::string> lines = headline_sentences(back, false);
  EXPECT_THAT(lines[0], HasSubstr("0.125 against 2 users per GPU, 0.0625x"));
  EXPECT_THAT(lines[1], HasSubstr("2.54x higher"));
  EXPECT_THAT(lines[3], HasSubstr("1.66x larger"));
}

TEST(HeadlineSentences, SpeakOfTheWholeSweepWhereRepeatsGiveAnInterval) {
  const SweepResult a = make_result("a", 4, {{1, {100, 101, 102}}, {8, {200, 202, 204}}});
  const SweepResult b = make_result("b", 4, {{1, {50, 50.5, 51}}, {8, {100, 101, 102}}});
  const Comparison comparison = compare(a, b);
  const auto lines = headline_sentences(comparison, false);
  EXPECT_THAT(lines[0], HasSubstr("latency over 2 levels, concurrency 1 to 8: 2x lower, ratio "
                                  "0.500 [0.4"));
  EXPECT_THAT(lines[1],
              HasSubstr("throughput per GPU over 2 levels, concurrency 1 to 8: 2x higher"));
  EXPECT_THAT(headline_sentences(compare(a, a))[0],
              HasSubstr("the same, ratio 1.000 [0.978, 1.023] (no difference shown)"));
  const std::string table = comparison_table({&comparison, 1}, {});
  EXPECT_THAT(table, HasSubstr("Of 15 rows 0.75 would look different by chance"));
  const auto json = nlohmann::json::parse(comparison_json({&comparison, 1}))[0];
  EXPECT_EQ(json["family"]["rows"], 15);
  EXPECT_EQ(json["sweep"]["e2e_p50_ms"]["verdict"], "better");
  EXPECT_EQ(json["sweep"]["e2e_p50_ms"]["levels"], 2);
  EXPECT_EQ(json["levels"][0]["e2e_p50_ms"]["verdict"], "better");
  EXPECT_EQ(json["levels"][0]["output_speed_tps"]["verdict"], "not_judged");
  EXPECT_THAT(comparison_csv({&comparison, 1}), HasSubstr("e2e_p50_ms over all levels"));
}

TEST(HeadlineSentences, NameTheBoundWhereASweepEndsEarly) {
  const SweepResult open = make_result("open", 4, {{1, {5000}}, {8, {9000}}});
  const ComparisonOptions options{.targets = {e2e_target(15s)}};
  EXPECT_THAT(headline_sentences(compare(h200(), open, options))[0], HasSubstr("at least 16×"));
  EXPECT_THAT(headline_sentences(compare(open, h200(), options))[0], HasSubstr("at most"));
  EXPECT_THAT(headline_sentences(compare(open, open, options))[0], HasSubstr("no ratio"));
}

TEST(ComparisonTable, ShowsHeadlinesLevelsAndQualityInsideItsWidth) {
  const TableStyle style{.width = 90};
  const std::string text = comparison_table(article(), style);
  for (const char* part :
       {"16×", "2.54×", "1.66×", "2.5× lower latency", "1.7× smaller weights", "GPQA Diamond",
        "-0.014", "one repeat", "8 users, 16 misses it", "Same: model deepseek-v3.2"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(comparison_table(article(), {.width = 400}, CompareView::kShort),
              HasSubstr("\nE2E: from a request's start to its last token; TTFT: "));
  for (const std::string& line : split(text, '\n')) EXPECT_LE(display_width(line), 90u) << line;
}

TEST(ComparisonTable, KeepsItsBaselineWhereTheWindowIsNarrow) {
  for (const CompareView view : {CompareView::kShort, CompareView::kFull}) {
    int heads = 0;
    for (const std::string& line : split(comparison_table(article(), {.width = 80}, view), '\n')) {
      const bool head = trim(line).starts_with("target") || trim(line).starts_with("level");
      if (!head || line.find("candidate") == std::string::npos) continue;
      ++heads;
      EXPECT_THAT(line, HasSubstr("baseline"));
    }
    EXPECT_GE(heads, 2);
  }
}

TEST(ComparisonTable, BeginsWithASummaryWhereThereAreSeveralCandidates) {
  const std::vector<SweepResult> candidates = {gb200(), h200()};
  const auto all = compare_all(h200(), candidates, {.targets = {e2e_target(15s)}});
  EXPECT_THAT(comparison_table(all, {}), ::testing::StartsWith("Against h200-fp8"));
  EXPECT_THAT(comparison_markdown(all), ::testing::StartsWith("**Against h200-fp8**"));
  EXPECT_THAT(comparison_table(article(), {}), Not(HasSubstr("Against h200-fp8")));
}

TEST(ComparisonJson, HoldsEveryFigure) {
  const auto json = nlohmann::json::parse(comparison_json(article()));
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["users"][0]["per_gpu_ratio"], 16.0);
  EXPECT_EQ(json[0]["users"][0]["ratio_kind"], "exact");
  EXPECT_EQ(json[0]["levels"][0]["e2e_p50_ms"]["verdict"], "no_interval");
  EXPECT_TRUE(json[0]["levels"][0]["e2e_p50_ms"]["ci95"].is_null());
  EXPECT_EQ(json[0]["only_candidate"], nlohmann::json::array({16}));
  EXPECT_EQ(json[0]["quality"][0]["candidate"], 0.835);
}

TEST(ComparisonJson, NamesALoadThatIsNoConcurrency) {
  SweepResult a = h200(), b = h200();
  for (SweepResult* const result : {&a, &b}) {
    result->levels.resize(1);
    result->levels[0].point = at_rate(2.5);
  }
  const Comparison comparison = compare(a, b);
  const auto json = nlohmann::json::parse(comparison_json({&comparison, 1}));
  ASSERT_EQ(json[0]["levels"].size(), 1u);
  EXPECT_TRUE(json[0]["levels"][0]["concurrency"].is_null());
  EXPECT_EQ(json[0]["levels"][0]["load_point"], "r2.5");
  EXPECT_THAT(comparison_csv({&comparison, 1}), HasSubstr(a.name + "," + b.name + ",,"));
  b.levels[0].point = at_rate(3);
  const Comparison other = compare(a, b);
  EXPECT_EQ(nlohmann::json::parse(comparison_json({&other, 1}))[0]["only_candidate"],
            nlohmann::json::array({"r3"}));
}

TEST(ComparisonCsv, HasAsManyFieldsOnEveryLineAsInItsHead) {
  const std::string text = comparison_csv(article());
  const std::vector<std::string> lines = split(text, '\n');
  ASSERT_GT(lines.size(), 10u);
  const auto commas = std::count(lines[0].begin(), lines[0].end(), ',');
  for (const std::string& line : lines) {
    if (line.empty()) continue;
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), commas) << line;
    EXPECT_EQ(line.back(), '\r');
  }
  EXPECT_THAT(text, HasSubstr("users_per_gpu e2e:p50:15s,0.125,2,16,,,exact"));
}

TEST(ComparisonRenderings, LeaveHostileNamesText) {
  SweepResult a = h200(), b = gb200();
  a.name = b.model = b.quality[0].first = b.system.engine = kHostile;
  a.system.engine = "e";
  const std::vector<Comparison> comparisons = {compare(a, b)};
  const std::string table = comparison_table(comparisons, {});
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  const std::string markdown = comparison_markdown(comparisons);
  EXPECT_THAT(markdown, Not(HasSubstr("<script>")));
  EXPECT_THAT(markdown, Not(HasSubstr("\x1b")));
  const auto json = nlohmann::json::parse(comparison_json(comparisons));
  EXPECT_EQ(json[0]["baseline"], kHostile);
  EXPECT_THAT(comparison_csv(comparisons), HasSubstr("\"a\"\"b|c"));
}

}  // namespace
}  // namespace llmsweep

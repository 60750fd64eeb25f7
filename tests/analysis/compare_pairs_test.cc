#include <gmock/gmock.h>

#include <array>
#include <cmath>

#include "analysis/make_result.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;

// Both sides drift by 20 % from round to round; b takes 5 % more, 4 to 6 % by the pair.
const std::vector<double> kOfA = {1000, 1200, 1440, 1728, 2073.6};
const std::vector<double> kPercents = {5, 4, 6, 5, 5};

std::array<SweepResult, 2> sides(const std::string& id_a = "x", const std::string& id_b = "x") {
  std::vector<double> of_b;
  for (size_t i = 0; i < kOfA.size(); ++i) of_b.push_back(kOfA[i] * (1 + kPercents[i] / 100));
  std::array<SweepResult, 2> results = {testing::make_result("a", 1, {{1, kOfA}, {8, kOfA}}),
                                        testing::make_result("b", 1, {{1, of_b}, {8, of_b}})};
  results[0].pairing = Pairing{.id = id_a, .side = "a", .order = {}};
  results[1].pairing = Pairing{.id = id_b, .side = "b", .order = {}};
  for (SweepResult& result : results) {
    for (LevelStats& level : result.levels) {
      for (RunStats& run : level.runs) run.started_s = 60.0 * run.repeat;
    }
  }
  return results;
}

TEST(ComparePairs, TakesTheDifferencesOfThePairs) {
  const auto [a, b] = sides();
  const Comparison comparison = compare(a, b);
  ASSERT_TRUE(comparison.pairs);
  EXPECT_EQ(comparison.pairs->rounds, 5);
  EXPECT_EQ(comparison.pairs->dropped, 0);
  const Ratio& ratio = *comparison.levels[0].ratio_of(measure_of("e2e"));
  std::vector<double> logs;
  for (const double percent : kPercents) logs.push_back(std::log1p(percent / 100));
  const Interval expected = *student_interval(logs);  // of one sample: the pairs' differences
  EXPECT_NEAR(std::log(ratio.ci95->low), expected.low, 1e-12);
  EXPECT_NEAR(std::log(ratio.ci95->high), expected.high, 1e-12);
  EXPECT_EQ(ratio.verdict, Verdict::kWorse);
  const Ratio& sweep = *comparison.sweep_ratio_of(measure_of("e2e"));
  EXPECT_NEAR(std::log(sweep.ci95->low), expected.low, 1e-12) << "both levels are alike";
  ASSERT_FALSE(comparison.headlines.empty());
  EXPECT_TRUE(comparison.headlines.front().ci95);
  // 20 % a round, four rounds: a factor of 1.2^4.
  EXPECT_NEAR(comparison.pairs->drift->ratio, std::pow(1.2, 4), 0.05);
  const std::string table = comparison_table({&comparison, 1}, {.width = 10'000});
  EXPECT_THAT(table, HasSubstr("Measured side by side, in 5 rounds of pairs"));
  EXPECT_THAT(table, HasSubstr("Drift of both sides' median E2E: +107"));
}

TEST(ComparePairs, OfTwoComparisonsOrOneSideAreNone) {
  for (const auto& [id_a, id_b] : {std::pair{"x", "y"}, std::pair{"", ""}}) {
    const auto [a, b] = sides(id_a, id_b);
    const Comparison comparison = compare(a, b);
    EXPECT_FALSE(comparison.pairs);
    const Ratio& ratio = *comparison.levels[0].ratio_of(measure_of("e2e"));
    EXPECT_GT(ratio.ci95->high / ratio.ci95->low, 1.5) << "Welch's, with the drift in it";
  }
  const auto [a, b] = sides();
  EXPECT_FALSE(compare(a, a).pairs);
}

TEST(ComparePairs, AreRefusedWithTheReason) {
  const auto note_of = [](const SweepResult& a, const SweepResult& b) {
    const Comparison comparison = compare(a, b);
    EXPECT_FALSE(comparison.pairs);
    for (const std::string& note : comparison.notes) {
      if (note.starts_with("Not compared in pairs")) return note;
    }
    return std::string();
  };
  const auto [of_x, of_y] = sides("x", "y");
  EXPECT_THAT(note_of(of_x, of_y), HasSubstr("of two comparisons, x and y"));
  const auto [a, b] = sides();
  EXPECT_THAT(note_of(a, a), HasSubstr("both are side a"));
  SweepResult other_order = b;
  other_order.pairing->order = {{at_concurrency(1), 0, true}};
  EXPECT_THAT(note_of(a, other_order), HasSubstr("different orders"));
  SweepResult changed = b;
  changed.pairing->refused = "its records are others";
  EXPECT_THAT(note_of(a, changed), HasSubstr("'b': its records are others"));
  SweepResult alone = b;
  alone.pairing.reset();
  EXPECT_EQ(note_of(a, alone), "") << "nothing was lost";
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 8%")}};
  EXPECT_THAT(gate(changed, &a, policy).notes, ::testing::Contains(HasSubstr("What drifted")));
}

TEST(ComparePairs, DropAPairOfWhichARunIsNotValid) {
  auto [a, b] = sides();
  RunStats& broken = b.levels[0].runs[1];
  broken.valid = false;
  broken.invalid_reasons = {InvalidReason::kErrors};
  broken.e2e.p50 = 90'000;
  b.levels[0].pooled.valid = false;
  b.levels[0].pooled.invalid_reasons = {InvalidReason::kErrors};
  const Comparison comparison = compare(a, b);
  EXPECT_EQ(comparison.pairs->dropped, 1);
  const Ratio& ratio = *comparison.levels[0].ratio_of(measure_of("e2e"));
  EXPECT_NEAR(ratio.ratio, 1.0525, 0.002);
  EXPECT_EQ(ratio.verdict, Verdict::kWorse);
  EXPECT_TRUE(comparison.levels[0].candidate_valid) << "by the pairs that are left";
  EXPECT_THAT(comparison_table({&comparison, 1}, {.width = 10'000}),
              HasSubstr("1 pair is dropped"));
}

TEST(ComparePairs, FewerThanThreeHaveNoVerdict) {
  auto [a, b] = sides();
  for (SweepResult* side : {&a, &b}) {
    for (LevelStats& level : side->levels) level.runs.resize(2);
  }
  const Comparison comparison = compare(a, b);
  const Ratio& ratio = *comparison.levels[0].ratio_of(measure_of("e2e"));
  EXPECT_FALSE(ratio.ci95);
  EXPECT_NE(ratio.verdict, Verdict::kWorse);
}

TEST(GatePairs, DecidesByThePairs) {
  const auto [a, b] = sides();
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 8%")}};
  const GateReport report = gate(b, &a, policy);
  EXPECT_EQ(report.outcome, GateOutcome::kPass);
  EXPECT_THAT(report.lines[0].basis, HasSubstr("5 pairs of runs"));
  const auto [other_a, other_b] = sides("x", "y");
  EXPECT_EQ(gate(other_b, &other_a, policy).outcome, GateOutcome::kInconclusive)
      << "the drift is in Welch's interval";
}

TEST(PairedLogRatio, IsStudentsOnThePairsAndOfMeansByTheDelta) {
  const std::vector<double> a = {1, 2, 4}, b = {1.1, 2.4, 4.2};
  const auto test = paired_log_ratio(a, b, MeanKind::kGeometric);
  ASSERT_TRUE(test);
  EXPECT_DOUBLE_EQ(test->degrees, 2);
  // ln 1.1, ln 1.2, ln 1.05: mean 0.10897, s/√3 = 0.03913.
  EXPECT_NEAR(test->difference, (std::log(1.1) + std::log(1.2) + std::log(1.05)) / 3, 1e-12);
  EXPECT_NEAR(test->standard_error, 0.03913, 2e-5);
  const std::vector<double> zeros = {0, 1, 2}, ones = {0, 1.1, 2.2};
  EXPECT_FALSE(paired_log_ratio(zeros, ones, MeanKind::kGeometric));
  const auto means = paired_log_ratio(zeros, ones, MeanKind::kArithmetic);
  ASSERT_TRUE(means);
  EXPECT_NEAR(means->difference, std::log(1.1), 1e-12);
  EXPECT_NEAR(means->standard_error, 0, 1e-12);
  EXPECT_FALSE(paired_log_ratio(a, ones, MeanKind::kGeometric));
  EXPECT_FALSE(paired_log_ratio({a.data(), 1}, {b.data(), 1}, MeanKind::kGeometric));
}

}  // namespace
}  // namespace llmsweep

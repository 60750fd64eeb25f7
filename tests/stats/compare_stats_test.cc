#include "llmsweep/stats/compare_stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

using Runs = std::vector<double>;

TEST(CompareRatio, FindsNothingBetweenASystemAndItself) {
  const Runs runs{5801, 5790, 5822};
  const auto result = compare_ratio(runs, runs);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->ratio, 1);
  EXPECT_EQ(result->verdict, Verdict::kNoDifferenceShown);
  EXPECT_EQ(result->p_value, 1);
  const Runs constant{100, 100};
  EXPECT_EQ(compare_ratio(constant, constant)->verdict, Verdict::kNoDifferenceShown);
}

TEST(CompareRatio, SaysWhichWayIsBetter) {
  const Runs slow{100, 101, 99};
  const Runs fast{90, 91, 89};
  EXPECT_EQ(compare_ratio(slow, fast)->verdict, Verdict::kBetter);
  EXPECT_EQ(compare_ratio(fast, slow)->verdict, Verdict::kWorse);
  const CompareOptions throughput{.direction = Direction::kHigherIsBetter};
  EXPECT_EQ(compare_ratio(slow, fast, throughput)->verdict, Verdict::kWorse);
  EXPECT_NEAR(compare_ratio(slow, fast)->ratio, 0.9, 0.001);
}

TEST(CompareRatio, WantsTheMinimumEffectAsWell) {
  const Runs baseline{100.00, 100.01, 99.99};
  const Runs two_percent{102.00, 102.01, 101.99};
  const auto result = compare_ratio(baseline, two_percent);
  EXPECT_GT(result->interval->low, 1);
  EXPECT_EQ(result->verdict, Verdict::kNoDifferenceShown);
  EXPECT_EQ(compare_ratio(baseline, two_percent, {.minimum_effect = 0.01})->verdict,
            Verdict::kWorse);
}

TEST(CompareRatio, WithOneRunHasNoInterval) {
  const auto result = compare_ratio(Runs{14716}, Runs{5801});
  ASSERT_TRUE(result);
  EXPECT_NEAR(1 / result->ratio, 2.537, 0.001);
  EXPECT_FALSE(result->interval);
  EXPECT_EQ(result->verdict, Verdict::kNoInterval);
}

TEST(CompareRatio, RefusesWhatHasNoLogarithm) {
  EXPECT_FALSE(compare_ratio(Runs{}, Runs{1}));
  EXPECT_FALSE(compare_ratio(Runs{1, 2}, Runs{0, 1}));
  EXPECT_FALSE(compare_ratio(Runs{1, NAN}, Runs{1, 1}));
}

TEST(CompareRatio, IsTheInverseTheOtherWayRound) {
  Random random(31);
  for (int trial = 0; trial < 500; ++trial) {
    Runs a(2 + random.below(4));
    Runs b(2 + random.below(4));
    for (double& value : a) value = std::exp(0.03 * random.normal());
    for (double& value : b) value = std::exp(0.05 + 0.03 * random.normal());
    const auto forth = compare_ratio(a, b);
    const auto back = compare_ratio(b, a);
    ASSERT_NEAR(forth->ratio * back->ratio, 1, 1e-12);
    ASSERT_NEAR(forth->interval->low * back->interval->high, 1, 1e-12);
    ASSERT_NEAR(*forth->p_value, *back->p_value, 1e-12);
    const auto mirrored = [](Verdict verdict) {
      if (verdict == Verdict::kBetter) return Verdict::kWorse;
      if (verdict == Verdict::kWorse) return Verdict::kBetter;
      return verdict;
    };
    ASSERT_EQ(forth->verdict, mirrored(back->verdict));
  }
}

TEST(DecideLimit, DecidesOnlyWhereTheIntervalLiesOnOneSide) {
  const Runs runs{9.9, 10.0, 10.1};
  EXPECT_EQ(decide_limit(runs, {.limit = 12})->decision, Decision::kMet);
  EXPECT_EQ(decide_limit(runs, {.limit = 8})->decision, Decision::kMissed);
  EXPECT_EQ(decide_limit(runs, {.limit = 10})->decision, Decision::kUndecided);
  EXPECT_EQ(decide_limit(runs, {.limit = 10, .tolerance = 0.05})->decision, Decision::kMet);
  EXPECT_EQ(decide_limit(Runs{1.0}, {.limit = 10})->decision, Decision::kUndecided);
  EXPECT_FALSE(decide_limit(Runs{}, {.limit = 10}));
  EXPECT_NEAR(decide_limit(runs, {.limit = 12})->value, 10, 0.01);
}

TEST(DecideLimit, TurnsRoundWhereHigherIsBetter) {
  const Runs runs{9.9, 10.0, 10.1};
  const LimitOptions at_least{.direction = Direction::kHigherIsBetter, .limit = 9};
  EXPECT_EQ(decide_limit(runs, at_least)->decision, Decision::kMet);
  LimitOptions too_high = at_least;
  too_high.limit = 11;
  EXPECT_EQ(decide_limit(runs, too_high)->decision, Decision::kMissed);
  too_high.tolerance = 0.2;
  EXPECT_EQ(decide_limit(runs, too_high)->decision, Decision::kMet);
}

TEST(DecideLimit, MissesExactlyWhereItsPValueIsSmall) {
  Random random(32);
  for (int trial = 0; trial < 500; ++trial) {
    Runs runs(2 + random.below(4));
    for (double& value : runs) value = std::exp(0.05 * random.normal());
    const auto direction =
        random.chance(0.5) ? Direction::kLowerIsBetter : Direction::kHigherIsBetter;
    const auto result = decide_limit(runs, {.direction = direction, .limit = 1});
    ASSERT_EQ(result->decision == Decision::kMissed, *result->p_missed < 0.05);
    ASSERT_EQ(result->decision == Decision::kMet, *result->p_missed >= 0.95);
  }
}

TEST(DecideLimit, WithoutSpreadIsDecidedByTheValue) {
  const Runs runs{10, 10, 10};
  EXPECT_EQ(decide_limit(runs, {.limit = 9.99})->decision, Decision::kMissed);
  EXPECT_EQ(decide_limit(runs, {.limit = 10.01})->p_missed, 1);
  EXPECT_EQ(decide_limit(runs, {.limit = 10.01})->decision, Decision::kMet);
  for (double value = 7; value < 20'000; value *= 1.37) {  // a limit that is kept exactly is kept
    const Runs exact{value, value, value};
    ASSERT_EQ(decide_limit(exact, {.limit = value})->decision, Decision::kMet) << value;
  }
}

TEST(DecideNoWorse, NeverFaultsAFasterSystem) {
  const Runs baseline{100, 101, 99};
  EXPECT_EQ(decide_no_worse(baseline, Runs{50, 51, 49}, {.tolerance = 0.03})->decision,
            Decision::kMet);
  EXPECT_EQ(decide_no_worse(baseline, Runs{120, 121, 119}, {.tolerance = 0.03})->decision,
            Decision::kMissed);
  EXPECT_EQ(decide_no_worse(baseline, Runs{103, 104, 102}, {.tolerance = 0.03})->decision,
            Decision::kUndecided);
  EXPECT_EQ(decide_no_worse(baseline, Runs{100}, {.tolerance = 0.03})->decision,
            Decision::kUndecided);
}

}  // namespace
}  // namespace llmsweep

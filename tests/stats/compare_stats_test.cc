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

// The runs show that b is slower, by 1 % to 4 %: that may matter, however the estimate falls.
TEST(CompareRatio, CallsASureDifferenceThatMayReachTheMinimumEffect) {
  const Runs a{99.3, 100.7, 100.0, 99.6, 100.4};
  Runs b;
  for (const double value : a) b.push_back(value * 1.025);
  const auto result = *compare_ratio(a, b);
  EXPECT_NEAR(result.ratio, 1.025, 1e-12);
  EXPECT_GT(result.interval->low, 1);
  EXPECT_GT(result.interval->high, 1.03);
  EXPECT_EQ(result.verdict, Verdict::kWorse);
  EXPECT_EQ(compare_ratio(b, a)->verdict, Verdict::kBetter);
  EXPECT_EQ(compare_ratio(a, b, {.minimum_effect = 0.05})->verdict, Verdict::kNoDifferenceShown);
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

TEST(CompareRatio, TakesAnAdjustedProbabilityForItsVerdict) {
  const Runs a{100, 102, 104}, b{110, 112, 114};
  const auto result = *compare_ratio(a, b);
  EXPECT_EQ(verdict_of(result, 0.05), Verdict::kWorse);
  EXPECT_EQ(verdict_of(result, 0.051), Verdict::kNoDifferenceShown);
  EXPECT_EQ(verdict_of({.ratio = 1.1}, 0), Verdict::kNoInterval);
}

// Noise of 0.02 beside runs of the same: half of the variance each, four times the degrees.
TEST(CompareRatio, TakesNoiseThatTheRunsDoNotShowAsKnown) {
  const Runs a{100, 102, 104}, b{110, 112, 114};
  const auto test = *log_ratio(a, b, MeanKind::kGeometric);
  const WelchDifference noisy = test.with_noise(test.standard_error);
  EXPECT_NEAR(noisy.standard_error, std::sqrt(2.0) * test.standard_error, 1e-15);
  EXPECT_NEAR(noisy.degrees, 4 * test.degrees, 1e-9);
  EXPECT_EQ(test.with_noise(0).degrees, test.degrees);
  const auto result = *compare_ratio(a, b, {.noise = test.standard_error});
  EXPECT_EQ(result.within, compare_ratio(a, b)->interval);
  EXPECT_GT(result.interval->high, result.within->high);
  // Known noise has degrees, and these alone would make a verdict surer.
  EXPECT_LT(noisy.p_value(), test.p_value());
  EXPECT_EQ(result.p_value, compare_ratio(a, b)->p_value);
  EXPECT_EQ(noisy_interval(test, 1e-9, 0.95).low, test.interval().low);
  const WelchDifference only = WelchDifference{.degrees = 4}.with_noise(0.01);
  EXPECT_NEAR(only.interval().high, 0.0196, 1e-4);  // 1.96 · 0.01: nothing of it is estimated
}

TEST(SweepValues, AreTheMeansOverTheLevelsOfTheRepeatsThatAllHave) {
  const std::vector<RunValues> levels = {{{0, 1}, {1, 4}, {2, 9}}, {{0, 4}, {2, 1}, {3, 7}}};
  const Runs values = sweep_values(levels);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_DOUBLE_EQ(values[0], 2);
  EXPECT_DOUBLE_EQ(values[1], 3);
  EXPECT_TRUE(sweep_values({}).empty());
  const std::vector<RunValues> with_zero = {{{0, 1}}, {{0, 0}}};
  EXPECT_TRUE(sweep_values(with_zero).empty());
}

TEST(LogRatio, OfArithmeticMeansHoldsWhereARunIsZero) {
  const std::vector<double> a = {0, 4, 5}, b = {5, 6, 7};
  EXPECT_FALSE(log_ratio(a, b, MeanKind::kGeometric));
  const auto test = log_ratio(a, b, MeanKind::kArithmetic);
  ASSERT_TRUE(test);
  EXPECT_DOUBLE_EQ(test->difference, std::log(6.0 / 3));
  // Relative standard errors: variances 7 and 1 of three runs, means 3 and 6.
  EXPECT_DOUBLE_EQ(test->standard_error, std::sqrt(7.0 / 3 / 9 + 1.0 / 3 / 36));
}

}  // namespace
}  // namespace llmsweep

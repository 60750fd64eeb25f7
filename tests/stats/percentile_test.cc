#include "llmsweep/stats/percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

using std::chrono::milliseconds;

std::vector<double> one_to(int count) {
  std::vector<double> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(Distribution, OfNothingHasNoPercentiles) {
  const Distribution distribution = distribution_of(std::vector<double>{});
  EXPECT_EQ(distribution.count, 0);
  EXPECT_FALSE(distribution.p50);
  EXPECT_FALSE(distribution.p50_ci95);
  EXPECT_FALSE(statistic_of(distribution, Statistic::kMean));
}

TEST(Distribution, OfOneValueIsThatValue) {
  const Distribution distribution = distribution_of(std::vector<double>{42.5});
  EXPECT_EQ(distribution.p50, 42.5);
  EXPECT_EQ(distribution.p95, 42.5);
  EXPECT_EQ(distribution.mean, 42.5);
  EXPECT_EQ(distribution.min, 42.5);
  EXPECT_EQ(distribution.max, 42.5);
  EXPECT_FALSE(distribution.p50_ci95);
}

TEST(Distribution, ShowsTailsOnlyWithEnoughSamples) {
  EXPECT_FALSE(distribution_of(one_to(299)).p99);
  EXPECT_TRUE(distribution_of(one_to(300)).p99);
  EXPECT_FALSE(distribution_of(one_to(2'999)).p999);
  EXPECT_TRUE(distribution_of(one_to(3'000)).p999);
}

TEST(Distribution, HasAnIntervalOfTheMedianFromSixSamplesOn) {
  EXPECT_FALSE(distribution_of(one_to(5)).p50_ci95);
  const auto interval = distribution_of(one_to(6)).p50_ci95;
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->low, 1);
  EXPECT_EQ(interval->high, 6);
}

TEST(IntervalRanks, AreFiniteFromTheDocumentedSampleCountsOn) {
  EXPECT_EQ(samples_for_interval({.p = 0.5}), 6);
  EXPECT_EQ(samples_for_interval({.p = 0.9}), 36);
  EXPECT_EQ(samples_for_interval({.p = 0.95}), 72);
  EXPECT_EQ(samples_for_interval({.p = 0.99}), 368);
  EXPECT_EQ(samples_for_interval({.p = 0.1}), 36);
  EXPECT_EQ(interval_ranks(0, {}), std::nullopt);
}

// 4,000 trials, true coverage ≥ 95 %: three standard errors are 1 %.
TEST(PercentileInterval, CoversATrueQuantileOfASkewedDistribution) {
  Random random(11);
  const double median = std::log(2.0);
  int covered = 0;
  for (int trial = 0; trial < 4'000; ++trial) {
    std::vector<double> sample(41);
    for (double& value : sample) value = random.exponential();
    std::sort(sample.begin(), sample.end());
    const auto interval = percentile_interval(sample, {.p = 0.5});
    if (interval->low <= median && median <= interval->high) ++covered;
  }
  EXPECT_GE(covered, 4'000 * 0.94);
  EXPECT_LE(covered, 4'000 * 0.985);
}

TEST(Percentile, IsMonotoneScalesAndIgnoresOrder) {
  Random random(12);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> values(1 + random.below(50));
    for (double& value : values) value = std::floor(random.normal() * 10);
    std::vector<double> scaled = values;
    for (double& value : scaled) value *= 4;
    std::vector<double> shuffled = values;
    random.shuffle(shuffled);
    double last = -1e9;
    for (double p = 0; p <= 1; p += 0.0625) {
      const double at_p = percentile_of(values, p);
      ASSERT_GE(at_p, last);
      ASSERT_EQ(percentile_of(shuffled, p), at_p);
      ASSERT_DOUBLE_EQ(percentile_of(scaled, p), 4 * at_p);
      last = at_p;
    }
  }
}

TEST(HistogramDistribution, AgreesWithTheSampleWithinABucket) {
  Random random(13);
  for (int trial = 0; trial < 20; ++trial) {
    Histogram histogram;
    std::vector<double> sample;
    const uint64_t count = 1 + random.below(5'000);
    for (uint64_t i = 0; i < count; ++i) {
      const double ms = std::exp(random.normal() + 3);
      histogram.add(from_ms(ms));
      sample.push_back(ms);
    }
    const Distribution exact = distribution_of(sample);
    const Distribution binned = distribution_of(histogram);
    ASSERT_EQ(binned.count, exact.count);
    ASSERT_EQ(binned.p99.has_value(), exact.p99.has_value());
    const auto expect_within = [](double value, double expected) {
      EXPECT_NEAR(value, expected, expected / 2048 + 1e-4);
    };
    expect_within(*binned.mean, *exact.mean);
    expect_within(*binned.min, *exact.min);
    expect_within(*binned.max, *exact.max);
    for (Statistic statistic : {Statistic::kP50, Statistic::kP90, Statistic::kP95}) {
      expect_within(*statistic_of(binned, statistic), *statistic_of(exact, statistic));
    }
    EXPECT_FALSE(binned.p50_ci95);
  }
}

TEST(HistogramDistribution, WeighsAGapByItsTokens) {
  Histogram histogram;
  histogram.add(milliseconds(10), 3);
  histogram.add(milliseconds(100), 1);
  const Distribution distribution = distribution_of(histogram);
  EXPECT_EQ(distribution.count, 4);
  EXPECT_NEAR(*distribution.p50, 10, 0.01);
  EXPECT_NEAR(*distribution.mean, 32.5, 0.05);
  EXPECT_NEAR(*distribution.p90, 10 + 0.7 * 90, 0.05);  // h = 2.7: between the third and the fourth
}

TEST(Intervals, DegenerateInputsGiveNothingOrAPoint) {
  EXPECT_FALSE(student_interval(std::vector<double>{1}));
  EXPECT_FALSE(log_student_interval(std::vector<double>{1, 0}));
  EXPECT_FALSE(welch(std::vector<double>{1}, std::vector<double>{1, 2}));
  EXPECT_EQ(geometric_mean(std::vector<double>{}), 0);
  EXPECT_DOUBLE_EQ(geometric_mean(std::vector<double>{1, 100}), 10);
  const std::vector<double> same{5, 5, 5};
  const auto test = welch(same, same);
  EXPECT_EQ(test->p_value(), 1);
  EXPECT_EQ(test->interval().low, 0);
  EXPECT_EQ(test->interval().high, 0);
  EXPECT_EQ(welch(same, std::vector<double>{6, 6})->p_value(), 0);
  EXPECT_TRUE(holm_adjusted({}).empty());
}

}  // namespace
}  // namespace llmsweep

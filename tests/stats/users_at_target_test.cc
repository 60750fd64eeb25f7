#include "llmsweep/stats/users_at_target.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/random.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

using testing::level_of;

const Target kFifteenSeconds{.max = std::chrono::seconds(15)};

LevelStats invalid(LevelStats level) {
  level.pooled.valid = false;
  return level;
}

UsersAtTarget users(const std::vector<LevelStats>& levels, int gpus = 4) {
  return users_at_target(levels, kFifteenSeconds, gpus);
}

TEST(UsersAtTarget, AreTheMeasuredBracketFirst) {
  const auto result = users({level_of(4, 9'000), level_of(8, 14'000), level_of(16, 18'000)});
  EXPECT_EQ(result.kind, UsersKind::kMeasured);
  EXPECT_EQ(result.users, 8);
  EXPECT_EQ(result.c_pass, 8);
  EXPECT_EQ(result.c_fail, 16);
  EXPECT_NEAR(*result.c_interpolated, 10, 1e-9);
  EXPECT_EQ(result.users_per_gpu, 2);
  EXPECT_EQ(result.target, kFifteenSeconds);
}

TEST(UsersAtTarget, ALatencyOnTheTargetMeetsIt) {
  EXPECT_EQ(users({level_of(1, 15'000), level_of(2, 15'000.001)}).users, 1);
}

TEST(UsersAtTarget, ReproduceThePublishedSixteenTimes) {
  const auto gb200 = users({level_of(1, 5'801), level_of(8, 14'900), level_of(16, 20'000)}, 4);
  const auto h200 = users({level_of(1, 14'716), level_of(2, 15'400)}, 8);
  EXPECT_EQ(gb200.users_per_gpu, 2);
  EXPECT_EQ(h200.users_per_gpu, 0.125);
  EXPECT_EQ(gb200.users_per_gpu / h200.users_per_gpu, 16);
}

TEST(UsersAtTarget, SayWhatHappenedAtTheEdges) {
  const auto below = users({level_of(2, 16'000), level_of(4, 20'000)});
  EXPECT_EQ(below.kind, UsersKind::kBelowSweep);
  EXPECT_EQ(below.users, 0);
  EXPECT_EQ(below.c_fail, 2);
  EXPECT_FALSE(below.c_pass || below.c_interpolated);

  const auto beyond = users({level_of(2, 6'000), level_of(4, 7'000)});
  EXPECT_EQ(beyond.kind, UsersKind::kBeyondSweep);
  EXPECT_EQ(beyond.users, 4);
  EXPECT_FALSE(beyond.c_fail || beyond.c_interpolated);

  EXPECT_EQ(users({}).kind, UsersKind::kNoValidLevel);
  EXPECT_EQ(users({invalid(level_of(1, 10))}).kind, UsersKind::kNoValidLevel);
}

// As published: 5.8 s at one user, and at eight only that the median is at most 15 s.
TEST(UsersAtTarget, TakeAPublishedBoundWhereItDecides) {
  LevelStats bound{.point = at_concurrency(8)};
  bound.pooled.e2e.p50_at_most = 15'000;
  LevelStats one{.point = at_concurrency(1)};
  one.pooled.e2e.p50 = 5'801;  // of an unknown number of requests
  const std::vector<LevelStats> levels = {one, bound};
  const auto at = [&](int seconds) {
    return users_at_target(levels, {.max = std::chrono::seconds(seconds)}, 4);
  };
  EXPECT_EQ(at(15).users, 8);
  EXPECT_EQ(at(20).users, 8);
  EXPECT_EQ(at(20).users_per_gpu, 2);
  EXPECT_EQ(at(20).kind, UsersKind::kBeyondSweep);
  EXPECT_EQ(at(10).users, 1);  // eight may or may not meet it
  EXPECT_EQ(at(10).kind, UsersKind::kBeyondSweep);
  EXPECT_EQ(at(5).kind, UsersKind::kBelowSweep);
  const Target p90{.statistic = Statistic::kP90, .max = std::chrono::seconds(20)};
  EXPECT_EQ(users_at_target(levels, p90, 4).kind, UsersKind::kNoValidLevel);

  const std::vector<LevelStats> crossed = {one, bound, level_of(16, 20'000)};
  const auto bracket = users_at_target(crossed, kFifteenSeconds, 4);
  EXPECT_EQ(bracket.c_pass, 8);
  EXPECT_EQ(bracket.c_fail, 16);
  EXPECT_FALSE(bracket.c_interpolated);  // there is no curve through a bound
}

TEST(UsersAtTarget, LeaveOutALevelOfUnknownConcurrency) {
  EXPECT_EQ(users({level_of(0, 10)}).kind, UsersKind::kNoValidLevel);
}

TEST(UsersAtTarget, StepOverInvalidLevels) {
  const auto result =
      users({level_of(4, 9'000), invalid(level_of(8, 10'000)), level_of(16, 18'000)});
  EXPECT_EQ(result.users, 4);
  EXPECT_EQ(result.c_fail, 16);
  const auto failing_invalid = users({level_of(4, 9'000), invalid(level_of(8, 99'000))});
  EXPECT_EQ(failing_invalid.kind, UsersKind::kBeyondSweep);
  EXPECT_EQ(failing_invalid.users, 4);
}

TEST(UsersAtTarget, StepOverLevelsWithoutTheStatistic) {
  std::vector<LevelStats> levels{level_of(1, 5'000), level_of(8, 6'000)};
  levels[1].pooled.e2e.p99 = 12'000;
  const Target p99{.statistic = Statistic::kP99, .max = std::chrono::seconds(15)};
  const auto result = users_at_target(levels, p99, 1);
  EXPECT_EQ(result.kind, UsersKind::kBeyondSweep);
  EXPECT_EQ(result.users, 8);
}

TEST(UsersAtTarget, DoNotCountALevelAboveTheFirstThatFails) {
  const auto result =
      users({level_of(1, 6'000), level_of(2, 15'500), level_of(4, 14'000), level_of(8, 20'000)});
  EXPECT_EQ(result.users, 1);
  EXPECT_EQ(result.c_fail, 2);
  EXPECT_NEAR(*result.c_interpolated, 1 + 9.0 / 9.5, 1e-9);
}

TEST(UsersAtTarget, InterpolateOnTheIsotonicFit) {
  // 8,000 at 2 and 6,000 at 4 pool to 7,000: (15 − 7) / (23 − 7) of the way from 4 to 8.
  const auto result = users({level_of(2, 8'000), level_of(4, 6'000), level_of(8, 23'000)});
  EXPECT_NEAR(*result.c_interpolated, 6, 1e-9);
}

TEST(UsersAtTarget, GetTheirIntervalByInvertingEachRepeat) {
  // The repeats cross at 81, 82 and 84 of the line from (80, 10 s) to (88, 10 + slope · 8).
  const auto at_88 = [](double crossing) { return 10'000 + 5'000 * 8 / (crossing - 80); };
  const std::vector<LevelStats> levels = {level_of(80, 10'000, {10'000, 10'000, 10'000}),
                                          level_of(88, 30'000, {at_88(81), at_88(82), at_88(84)})};
  const auto result = users(levels);
  ASSERT_TRUE(result.c_interpolated_ci95);
  const double logs[] = {std::log(81.0), std::log(82.0), std::log(84.0)};
  const double mean = (logs[0] + logs[1] + logs[2]) / 3;
  double squares = 0;
  for (double value : logs) squares += (value - mean) * (value - mean);
  const double half = 4.302652729911275 * std::sqrt(squares / 2 / 3);
  EXPECT_NEAR(result.c_interpolated_ci95->low, std::exp(mean - half), 1e-6);
  EXPECT_NEAR(result.c_interpolated_ci95->high, std::exp(mean + half), 1e-6);
}

TEST(UsersAtTarget, HaveNoIntervalWhereARepeatNeverCrosses) {
  EXPECT_FALSE(
      users({level_of(80, 10'000, {10'000, 10'000}), level_of(88, 20'000, {20'000, 14'000})})
          .c_interpolated_ci95);
  EXPECT_FALSE(
      users({level_of(80, 10'000, {10'000}), level_of(88, 20'000, {20'000})}).c_interpolated_ci95);
}

// The line is not the curve there, and the interval of the line misses the crossing.
TEST(UsersAtTarget, HaveNoIntervalOverABracketWiderThanATenth) {
  const std::vector<double> low = {10'000, 10'010}, high = {20'000, 20'010};
  EXPECT_TRUE(users({level_of(80, 10'000, low), level_of(88, 20'000, high)}).c_interpolated_ci95);
  const auto wide = users({level_of(80, 10'000, low), level_of(89, 20'000, high)});
  EXPECT_TRUE(wide.c_interpolated);
  EXPECT_FALSE(wide.c_interpolated_ci95);
}

TEST(UsersAtTarget, StayInsideTheBracketWhateverTheNoiseAndTheOrder) {
  Random random(41);
  for (int trial = 0; trial < 2'000; ++trial) {
    std::vector<LevelStats> levels;
    for (int c = 1; c <= 64; c *= 2) {
      levels.push_back(level_of(c, 4'000 * std::sqrt(c) * std::exp(0.3 * random.normal())));
      if (random.chance(0.1)) levels.back().pooled.valid = false;
    }
    const auto sorted = users(levels);
    random.shuffle(levels);
    const auto result = users(levels);
    ASSERT_EQ(result.users, sorted.users);
    ASSERT_EQ(result.c_interpolated, sorted.c_interpolated);
    if (result.kind != UsersKind::kMeasured) continue;
    ASSERT_LT(*result.c_pass, *result.c_fail);
    ASSERT_GE(*result.c_interpolated, *result.c_pass);
    ASSERT_LT(*result.c_interpolated, *result.c_fail);
  }
}

// TTFT within 1 s and TPOT within 50 ms.
const Target kTier{.all = {{.metric = Metric::kTtft, .max = std::chrono::seconds(1)},
                           {.metric = Metric::kTpot, .max = std::chrono::milliseconds(50)}}};

LevelStats with_both(int concurrency, double ttft_ms, double tpot_ms) {
  LevelStats level = level_of(concurrency, 5'000, {5'000, 5'000});
  const auto set = [&](RunStats& run) {
    run.ttft.p50 = ttft_ms;
    run.tpot.p50 = tpot_ms;
    run.tpot.count = 100;
  };
  set(level.pooled);
  for (RunStats& run : level.runs) set(run);
  return level;
}

TEST(UsersAtSeveralLimits, AreThoseThatKeepAllOfThem) {
  const std::vector<LevelStats> levels = {with_both(2, 200, 20), with_both(4, 500, 45),
                                          with_both(8, 700, 60), with_both(16, 2'000, 70)};
  const UsersAtTarget tier = users_at_target(levels, kTier, 4);
  EXPECT_EQ(tier.users, 4);
  EXPECT_EQ(tier.c_fail, 8) << "by its TPOT alone";
  EXPECT_EQ(tier.users_per_gpu, 1);
  EXPECT_EQ(users_at_target(levels, kTier.all[0], 4).users, 8);
  EXPECT_EQ(users_at_target(levels, kTier.all[1], 4).users, 4);
  // Of the limit that is nearer: 45 / 50 at 4 and 60 / 50 at 8.
  EXPECT_NEAR(*tier.c_interpolated, 4 + 4 * (1 - 0.9) / (1.2 - 0.9), 1e-9);
}

TEST(UsersAtSeveralLimits, OneThatIsMissedDecidesAndOneThatIsUnknownDoesNot) {
  std::vector<LevelStats> levels = {with_both(2, 200, 20), with_both(4, 200, 20),
                                    with_both(8, 2'000, 20)};
  for (size_t i : {1u, 2u}) {
    levels[i].pooled.tpot = {};
    for (RunStats& run : levels[i].runs) run.tpot = {};
  }
  const UsersAtTarget tier = users_at_target(levels, kTier, 0);
  EXPECT_EQ(tier.c_pass, 2);
  EXPECT_EQ(tier.c_fail, 8) << "its TTFT misses; level 4 says nothing";
  EXPECT_FALSE(tier.c_interpolated) << "the level that misses has no figure for both";
}

TEST(UsersAtSeveralLimits, CountOnlyLevelsWhoseFiguresCanBeJudged) {
  std::vector<LevelStats> levels = {with_both(2, 200, 20), with_both(4, 200, 20)};
  levels[1].pooled.validity["tpot:p50"] = {InvalidReason::kClientDelay};
  EXPECT_EQ(users_at_target(levels, kTier, 0).users, 2);
  EXPECT_EQ(users_at_target(levels, kTier.all[0], 0).users, 4);
}

}  // namespace
}  // namespace llmsweep

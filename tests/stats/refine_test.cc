#include "llmsweep/stats/refine.h"

#include <gtest/gtest.h>

#include <cmath>

#include "llmsweep/stats/users_at_target.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

using testing::level_of;

const Target kOneSecond{.max = std::chrono::seconds(1)};

// A system whose median E2E passes 1,000 ms just above `knee` users.
LevelStats run_level(int concurrency, double knee) {
  return level_of(concurrency, 1'000 * std::sqrt(concurrency / knee));
}

TEST(NextLevel, IsNothingWithoutABracket) {
  EXPECT_FALSE(next_level({}, kOneSecond));
  EXPECT_FALSE(next_level(std::vector{run_level(8, 4)}, kOneSecond));
  EXPECT_FALSE(next_level(std::vector{run_level(1, 4), run_level(2, 4)}, kOneSecond));
}

TEST(NextLevel, IsTheGeometricMiddleOfTheBracket) {
  EXPECT_EQ(next_level(std::vector{run_level(8, 11), run_level(16, 11)}, kOneSecond),
            at_concurrency(11));
  EXPECT_EQ(next_level(std::vector{run_level(1, 2), run_level(3, 2)}, kOneSecond),
            at_concurrency(2));
}

TEST(NextLevel, EndsWithTheTrueAnswerWithinTenPercent) {
  for (int knee = 1; knee < 1'024; knee += 7) {
    std::vector<LevelStats> levels;
    for (int c = 1; c <= 1'024; c *= 2) levels.push_back(run_level(c, knee + 0.5));
    int steps = 0;
    while (const auto next = next_level(levels, kOneSecond)) {
      levels.push_back(run_level(next->concurrency(), knee + 0.5));
      ASSERT_LE(++steps, 4);  // log2(log 2 / log 1.1) = 2.9, and one for rounding
    }
    const auto users = users_at_target(levels, kOneSecond, 1);
    ASSERT_LE(users.users, knee);
    ASSERT_GT(*users.c_fail, knee);
    ASSERT_TRUE(*users.c_fail <= *users.c_pass * 1.1 || *users.c_fail == *users.c_pass + 1);
  }
}

TEST(NextLevel, RunsNoLevelTwiceWhereSomeAreInvalid) {
  std::vector<LevelStats> levels{run_level(8, 12), run_level(16, 12)};
  int steps = 0;
  while (const auto next = next_level(levels, kOneSecond)) {
    for (const LevelStats& level : levels) ASSERT_NE(level.point, *next);
    levels.push_back(run_level(next->concurrency(), 12));
    levels.back().pooled.valid = false;
    ASSERT_LE(++steps, 8);
  }
  EXPECT_EQ(steps, 7);  // gaps of one user are over 1.1 as far as 10
}

TEST(NextLevel, TakesTheToleranceAsked) {
  const std::vector<LevelStats> levels{run_level(100, 120), run_level(130, 120)};
  EXPECT_TRUE(next_level(levels, kOneSecond));
  EXPECT_FALSE(next_level(levels, kOneSecond, {.max_bracket_ratio = 1.3}));
}

}  // namespace
}  // namespace llmsweep

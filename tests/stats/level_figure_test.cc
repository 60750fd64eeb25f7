#include "llmsweep/stats/level_figure.h"

#include <gtest/gtest.h>

#include <cmath>

#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

Distribution around(double p50) {
  return {.count = 400, .mean = p50, .p50 = p50, .p50_ci95 = Interval{p50 - 1, p50 + 1}};
}

LevelStats level_of(const std::vector<double>& medians_ms, double of_all_requests_ms) {
  LevelStats level{.point = at_concurrency(8)};
  level.pooled.e2e = around(of_all_requests_ms);
  level.pooled.requests = {.completed = 90, .failed = 10};
  for (const double median : medians_ms) {
    RunStats run;
    run.e2e = around(median);
    run.goodput_fraction = median / 1000;
    run.requests = {.completed = 45, .failed = 5};
    level.runs.push_back(run);
  }
  return level;
}

TEST(LevelFigure, IsTheMeanOfTheRunsWithTheIntervalBetweenThem) {
  const LevelFigure e2e = figure_of(level_of({100, 400}, 150), measure_of("e2e"));
  EXPECT_DOUBLE_EQ(*e2e.value, 200);
  EXPECT_EQ(e2e.pooled, 150);
  EXPECT_TRUE(e2e.between_runs);
  EXPECT_NEAR(std::sqrt(e2e.ci95->low * e2e.ci95->high), 200, 1e-9);
}

TEST(LevelFigure, OfOneRunIsThatRunsWithItsOwnInterval) {
  const LevelFigure e2e = figure_of(level_of({150}, 150), measure_of("e2e"));
  EXPECT_EQ(e2e.value, 150);
  EXPECT_FALSE(e2e.between_runs);
  EXPECT_EQ(e2e.ci95, (Interval{149, 151}));
}

TEST(LevelFigure, OfSharesIsTheArithmeticMeanAndOfErrorsThatOfAllRequests) {
  EXPECT_DOUBLE_EQ(*figure_of(level_of({0, 800}, 1), measure_of("goodput")).value, 0.4);
  EXPECT_DOUBLE_EQ(*figure_of(level_of({100, 800}, 1), measure_of("error_rate")).value, 0.1);
}

TEST(LevelFigure, OfPublishedDataIsWhatTheFileSays) {
  LevelStats level{.point = at_concurrency(8)};
  level.pooled.e2e.p50_at_most = 15'000;
  level.pooled.output_throughput_tps = 872;
  const LevelFigure e2e = figure_of(level, measure_of("e2e"));
  EXPECT_FALSE(e2e.value);
  EXPECT_EQ(e2e.at_most, 15'000);
  const LevelFigure throughput = figure_of(level, measure_of("throughput"));
  EXPECT_EQ(throughput.value, 872);
  EXPECT_TRUE(throughput.with_drain);
}

TEST(UsersAtTarget, AreDecidedByTheFigureThatTheTableShows) {
  const LevelStats levels[] = {level_of({100, 400}, 150)};
  EXPECT_EQ(users_at_target(levels, {.max = from_ms(199)}, 1).kind, UsersKind::kBelowSweep);
  EXPECT_EQ(users_at_target(levels, {.max = from_ms(201)}, 1).kind, UsersKind::kBeyondSweep);
}

}  // namespace
}  // namespace llmsweep

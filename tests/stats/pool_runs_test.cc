#include <gtest/gtest.h>

#include <cmath>

#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_stats.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

using testing::records_of;
using testing::Request;

// One slot, three requests of the given length back to back, ten tokens each.
std::vector<Request> three_of(double e2e_ms) {
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) {
    const double sent = i * e2e_ms;
    requests.push_back({0, Phase::kMeasured, sent, sent + 10, sent + e2e_ms, {}, 10});
  }
  return requests;
}

LevelStats pool_of(const std::vector<double>& e2e_ms) {
  const LevelContext level{.point = at_concurrency(1), .gpus = 2};
  std::vector<RequestRecord> all;
  std::vector<RunStats> runs;
  for (size_t i = 0; i < e2e_ms.size(); ++i) {
    const auto records = records_of(three_of(e2e_ms[i]));
    runs.push_back(run_stats({.records = records, .repeat = static_cast<int>(i), .level = level}));
    all.insert(all.end(), records.begin(), records.end());
  }
  return pool_runs(level, std::move(runs), all);
}

TEST(PoolRuns, PoolsLatenciesAndTakesTheGeometricMeanOfRates) {
  const LevelStats level = pool_of({100, 200, 400});
  EXPECT_EQ(level.point, at_concurrency(1));
  EXPECT_EQ(level.pooled.requests.completed, 9);
  EXPECT_NEAR(*level.pooled.e2e.p50, 200, 1e-9);
  EXPECT_NEAR(*level.pooled.steady_output_throughput_tps, 50, 1e-9);  // 100, 50, 25
  EXPECT_NEAR(*level.pooled.request_throughput_rps, 5, 1e-9);
  EXPECT_NEAR(*level.pooled.throughput_per_gpu_tps, 25, 1e-9);
  EXPECT_NEAR(*level.pooled.throughput_per_latency, 0.25, 1e-9);
  EXPECT_NEAR(*level.pooled.wall_seconds, 2.1, 1e-9);
  ASSERT_EQ(level.runs.size(), 3u);
}

TEST(PoolRuns, SpeaksBetweenRunsOnLogarithms) {
  const LevelStats level = pool_of({100, 200, 400});
  // Logs are log 200 ± log 2: s = log 2, t(0.975, 2) = 4.302653.
  const double factor = std::exp(4.302652729911275 * std::log(2.0) / std::sqrt(3.0));
  ASSERT_TRUE(level.e2e_p50_between_runs_ci95);
  EXPECT_NEAR(level.e2e_p50_between_runs_ci95->low, 200 / factor, 1e-6);
  EXPECT_NEAR(level.e2e_p50_between_runs_ci95->high, 200 * factor, 1e-6);
  EXPECT_NEAR(level.throughput_between_runs_ci95->low, 50 / factor, 1e-6);
  const LevelStats single = pool_of({100});
  EXPECT_FALSE(single.e2e_p50_between_runs_ci95);
  EXPECT_FALSE(single.throughput_between_runs_ci95);
}

TEST(PoolRuns, IsValidOnlyWhereEveryRunIsAndUnitesWhatWasFound) {
  std::vector<RunStats> runs(3);
  runs[1].valid = false;
  runs[1].invalid_reasons = {InvalidReason::kSlotGap, InvalidReason::kErrors};
  runs[2].valid = false;
  runs[2].invalid_reasons = {InvalidReason::kClientBusy, InvalidReason::kErrors};
  runs[0].warnings = {Warning::kReconnects};
  runs[2].warnings = {Warning::kReconnects, Warning::kWithDrain};
  runs[0].client.busy_fraction = 0.2;
  runs[2].client.busy_fraction = 0.9;
  runs[0].client.stalls = runs[1].client.stalls = 2;
  runs[0].client.receive_stamps = runs[1].client.receive_stamps = true;
  const LevelStats level = pool_runs({.point = at_concurrency(8)}, runs, {});
  EXPECT_FALSE(level.pooled.valid);
  EXPECT_EQ(
      level.pooled.invalid_reasons,
      (std::vector{InvalidReason::kClientBusy, InvalidReason::kSlotGap, InvalidReason::kErrors}));
  EXPECT_EQ(level.pooled.warnings, (std::vector{Warning::kReconnects, Warning::kWithDrain}));
  EXPECT_EQ(level.pooled.client.busy_fraction, 0.9);
  EXPECT_EQ(level.pooled.client.stalls, 4);
  EXPECT_FALSE(level.pooled.client.receive_stamps);
}

TEST(PoolRuns, OfNoRunsIsEmpty) {
  const LevelStats level = pool_runs({.point = at_concurrency(8)}, {}, {});
  EXPECT_TRUE(level.runs.empty());
  EXPECT_FALSE(level.pooled.output_throughput_tps);
  EXPECT_FALSE(level.pooled.steady_output_throughput_tps);
}

}  // namespace
}  // namespace llmsweep

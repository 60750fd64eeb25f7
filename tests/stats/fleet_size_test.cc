#include "llmsweep/stats/fleet_size.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "stats/engine_run.h"

namespace llmsweep {
namespace {

TEST(FleetSize, IsTheFewestOfWhichEachHasNoMoreThanOneCarries) {
  EXPECT_EQ(fleet_size({.carries = 4.75, .fails = 5.25}, 41.2),
            (FleetSize{.known_good = 9, .known_bad = 7}));
  EXPECT_EQ(fleet_size({.carries = 4.75, .fails = 5.25}, 41.2).between(), 1);
  EXPECT_EQ(fleet_size({.carries = 5, .fails = 5.5}, 5), (FleetSize{.known_good = 1}));
  EXPECT_EQ(fleet_size({.carries = 5, .fails = 5.5}, 5.25), (FleetSize{.known_good = 2}))
      << "that one does not do is not known";
  EXPECT_EQ(fleet_size({.carries = 5, .fails = 5.5}, 5.5),
            (FleetSize{.known_good = 2, .known_bad = 1}));
  EXPECT_EQ(fleet_size({.carries = 8}, 100), (FleetSize{.known_good = 13}));
  EXPECT_EQ(fleet_size({.carries = 8}, 0.5), (FleetSize{.known_good = 1}));
}

TEST(FleetSize, IsWholeWhereTheLoadIsSoManyTimesWhatOneCarries) {
  EXPECT_EQ(fleet_size({.carries = 0.1, .fails = 0.11}, 3).known_good, 30);
  EXPECT_EQ(fleet_size({.carries = 0.09, .fails = 0.1}, 3).known_bad, 30);
}

// An engine that carries some 25 requests a second in batches of 16.
EngineRun one_copy() {
  EngineRun run;
  run.engine.step = {.base = std::chrono::milliseconds(6),
                     .per_prefill_token = std::chrono::microseconds(50),
                     .per_sequence = std::chrono::microseconds(200)};
  run.engine.max_batch_size = 16;
  run.load = {.warmup = std::chrono::seconds(20),
              .measure = std::chrono::seconds(100),
              .drain = std::chrono::seconds(600)};
  run.lengths.mean = 60;
  run.input_tokens = 100;
  return run;
}

double ttft_p95_at(double rate) {
  EngineRun run = one_copy();
  run.point = at_rate(rate);
  run.load.rate = {rate};
  double log_sum = 0;
  constexpr int kRuns = 4;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    log_sum += std::log(*stats_in_virtual_time(run, seed).ttft.p95);
  }
  return std::exp(log_sum / kRuns);
}

// What fleet_size() says of a trace is so: its share for each of so many copies, replayed on one.
TEST(FleetSize, HoldsWhenTheTraceIsReplayedOnOneCopy) {
  const ShownLoad shown{.carries = 16, .fails = 22};
  const double target_ms = std::sqrt(ttft_p95_at(shown.carries) * ttft_p95_at(*shown.fails));
  ASSERT_GT(target_ms, 1.5 * ttft_p95_at(shown.carries)) << "which tells one from the other";

  constexpr double kDemand = 100;  // requests a second, Poisson
  auto replay = std::make_shared<ReplayTrace>();
  Random random(3, 1);
  for (double at_s = random.exponential() / kDemand; at_s < 130;
       at_s += random.exponential() / kDemand) {
    replay->trace.requests.push_back(
        {.at = from_seconds(at_s), .session = replay->trace.requests.size() + 1});
  }
  replay->span = std::chrono::seconds(130);
  const FleetSize size = fleet_size(shown, kDemand);
  EXPECT_EQ(size, (FleetSize{.known_good = 7, .known_bad = 4}));
  const auto keeps = [&](int64_t copies, uint64_t which) {
    auto part = std::make_shared<ReplayTrace>(*replay);
    part->seed = which;
    EngineRun run = one_copy();
    run.point = of_trace(1 / static_cast<double>(copies));
    run.load.trace.file = "t";
    run.load.trace.share = {run.point.value};
    run.load.trace.replay = part;
    const RunStats stats = stats_in_virtual_time(run, which);
    return !stats.is_overloaded() && *stats.ttft.p95 <= target_ms;
  };
  for (uint64_t which = 0; which < 4; ++which) {
    EXPECT_TRUE(keeps(size.known_good, which)) << which;
    EXPECT_FALSE(keeps(size.known_bad, which)) << which;
  }
}

}  // namespace
}  // namespace llmsweep

// The states of a rate, against the step engine in virtual time: docs/metrics.md, "Rates".
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "llmsweep/stats/percentile.h"
#include "simulator/closed_loop.h"
#include "stats/engine_run.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

constexpr int kBatchSlots = 16;
constexpr double kMeanTokens = 60;  // mean output
constexpr double kFullStepMs = 6 + 0.2 * kBatchSlots;
constexpr double kPrefillMs = 5;
// Requests a second: each takes its share of full steps, and a prefill.
constexpr double kCapacity = 1000 / (kMeanTokens * kFullStepMs / kBatchSlots + kPrefillMs);

EngineRun engine_run_at(double load, Duration measure, const ArrivalSpec& arrivals = {}) {
  EngineRun run;
  run.engine.step = {.base = 6ms, .per_prefill_token = 50us, .per_sequence = 200us};
  run.engine.max_batch_size = kBatchSlots;
  run.point = at_rate(load * kCapacity);
  run.load = {.rate = {run.point.value},
              .arrivals = arrivals,
              .warmup = 10s,
              .measure = measure,
              .drain = 600s};
  run.lengths.mean = kMeanTokens;
  run.input_tokens = 100;  // 5 ms
  return run;
}

// Runs of each state.
std::array<int, 3> states_of(const EngineRun& run, int runs) {
  std::array<int, 3> counts{};
  for (int seed = 0; seed < runs; ++seed) {
    const RunStats stats = stats_in_virtual_time(run, static_cast<uint64_t>(seed));
    ++counts[static_cast<size_t>(stats.open->state)];
  }
  return counts;
}

constexpr size_t kOver = static_cast<size_t>(LoadState::kOverloaded);
constexpr size_t kSettledState = static_cast<size_t>(LoadState::kSettled);

TEST(LoadState, IsSettledWellBelowTheCapacity) {
  EXPECT_EQ(states_of(engine_run_at(0.7, 60s), 10)[kSettledState], 10);
}

TEST(LoadState, IsHardlyEverOverloadedAtALoadThatTheServerCarries) {
  const ArrivalSpec bursty{.process = ArrivalProcess::kGamma, .cv = 2};
  EXPECT_EQ(states_of(engine_run_at(0.9, 60s), 12)[kOver], 0);
  EXPECT_LE(states_of(engine_run_at(0.97, 60s), 12)[kOver], 1);
  EXPECT_LE(states_of(engine_run_at(0.97, 60s, bursty), 12)[kOver], 1);
}

TEST(LoadState, IsOverloadedBeyondIt) {
  EXPECT_EQ(states_of(engine_run_at(1.4, 60s), 10)[kOver], 10);
  // 10 % too much shows in most runs of 4,000 arrivals.
  EXPECT_GE(states_of(engine_run_at(1.1, 160s), 10)[kOver], 7);
}

TEST(LoadState, NeverSettlesBeyondTheCapacity) {
  EXPECT_EQ(states_of(engine_run_at(1.1, 60s), 10)[kSettledState], 0);
}

EngineRun engine_profile(std::vector<RateStep> loads) {
  EngineRun run = engine_run_at(0.5, 60s);
  for (RateStep& step : loads) {
    step.from *= kCapacity;
    step.to *= kCapacity;
  }
  run.load.rate.clear();
  run.load.profile = std::move(loads);
  run.point = load_points(run.load)[0];
  return run;
}

// What is in flight follows the rate; only what is beyond that is overload.
TEST(LoadState, OfARampThatTheServerCarriesIsNotOverloaded) {
  const EngineRun up = engine_profile({{30s, 0.1, 0.9}});
  const EngineRun jump = engine_profile({{20s, 0.1, 0.1}, {10s, 0.8, 0.8}});
  const EngineRun down = engine_profile({{20s, 0.8, 0.8}, {3s, 0.1, 0.1}});
  for (const EngineRun& run : {up, jump, down}) {
    EXPECT_LE(states_of(run, 20)[kOver], 1);
  }
}

TEST(LoadState, OfARampIntoTheImpossibleIs) {
  EXPECT_EQ(states_of(engine_profile({{60s, 0.5, 2.5}}), 10)[kOver], 10);
}

TEST(LoadState, OfAProfileThatRecoversIsNotThatOfItsBurst) {
  const EngineRun run = engine_profile({{30s, 0.5, 0.5}, {20s, 1.6, 1.6}, {60s, 0.3, 0.3}});
  EXPECT_EQ(states_of(run, 10)[kSettledState], 10);
}

TEST(LoadState, ServesTheCapacityWhereItIsOverloaded) {
  const RunStats stats = stats_in_virtual_time(engine_run_at(1.4, 120s), 1);
  ASSERT_TRUE(stats.is_overloaded());
  EXPECT_NEAR(*stats.served_rps / kCapacity, 1, 0.06);
  EXPECT_FALSE(stats.e2e.p50);
}

// Of a window W a freeze of F delays the share F / W by a time that is even between 0 and F: the
// percentile p of E2E is at least F · (1 − (1 − p) · W / F).
TEST(LoadState, AFreezeOfTheServerIsInTheLatenciesOfThoseWhoWouldHaveCome) {
  EngineRun run = engine_run_at(0.3, 300s);
  const RunStats smooth = stats_in_virtual_time(run, 4);
  run.engine.freeze = {.after = 100s, .length = 10s};
  const RunStats frozen = stats_in_virtual_time(run, 4);
  ASSERT_TRUE(smooth.e2e.p99 && frozen.e2e.p99);
  EXPECT_LT(*smooth.e2e.p99, 3000);
  EXPECT_GE(*frozen.e2e.p99, 6500) << "by the formula 7 s; the freeze's arrivals are drawn";
  EXPECT_NEAR(*frozen.e2e.p50 / *smooth.e2e.p50, 1, 0.1);
  EXPECT_EQ(frozen.requests.completed, smooth.requests.completed) << "nobody is left out";
}

// The same server and freeze: a closed loop stops asking, and hardly anyone meets it.
TEST(LoadState, AFreezeOfTheServerIsHardlyInAClosedLoop) {
  EngineProfile engine = engine_run_at(0.3, 300s).engine;
  engine.freeze = {.after = 100s, .length = 10s};
  const sim::LoopResult loop = sim::run_closed_loop(
      engine,
      {.concurrency = 4, .input_tokens = 100, .output_tokens = 60, .requests_per_slot = 500});
  ASSERT_GT(loop.measured.back().last_token - loop.measured.front().sent, 110s);
  std::vector<double> e2e;
  for (const auto& request : loop.measured) {
    e2e.push_back(to_seconds(request.last_token - request.sent));
  }
  EXPECT_EQ(std::count_if(e2e.begin(), e2e.end(), [](double s) { return s > 10; }), 4);
  EXPECT_LT(percentile_of(e2e, 0.99), 1);
}

TEST(LoadState, ArrivalsGoOnUntilTheLastMeasuredRequestHasEnded) {
  const EngineRun run = engine_run_at(0.8, 60s);
  EngineDriver driver(run, 3);
  const std::vector<RequestRecord> records = driver.records();
  Instant last_measured{};
  Instant last_arrival{};
  for (const RequestRecord& record : records) {
    if (record.phase == Phase::kMeasured) last_measured = std::max(last_measured, *record.end);
    last_arrival = std::max(last_arrival, record.scheduled);
  }
  EXPECT_GT(last_arrival, last_measured - 1s);
  EXPECT_EQ(records.back().phase, Phase::kFiller);
}

// Docs' claim: one schedule for both systems tells them apart by far fewer runs.
TEST(LoadState, OneScheduleForTwoSystemsCutsTheSpreadOfTheirRatio) {
  const EngineRun a = engine_run_at(0.8, 60s);
  EngineRun b = a;
  b.engine.step.base = 6.3ms;
  b.engine.step.per_sequence = 210us;
  std::vector<double> with_one, with_two;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    const double of_a = std::log(*stats_in_virtual_time(a, seed).e2e.p50);
    with_one.push_back(std::log(*stats_in_virtual_time(b, seed).e2e.p50) - of_a);
    with_two.push_back(std::log(*stats_in_virtual_time(b, seed + 100).e2e.p50) - of_a);
  }
  const auto deviation = [](const std::vector<double>& values) {
    double sum = 0, squares = 0;
    for (const double value : values) sum += value;
    const double mean = sum / static_cast<double>(values.size());
    for (const double value : values) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
  };
  EXPECT_LT(1.5 * deviation(with_one), deviation(with_two));
}

}  // namespace
}  // namespace llmsweep

#include "stats/open_load.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/validity.h"
#include "stats/records.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;
using testing::at_ms;
using testing::Request;

// A window from 1 s to 11 s after at_ms(0).
OpenInput input(double rate, Overload overload = Overload::kNone) {
  return {.run = {.start_ns = to_ns(at_ms(0)), .schedule_sha256 = "ab", .overload = overload},
          .window = {.from = 1s, .to = 11s, .end = 20s},
          .rate_rps = rate,
          .arrival_cv = 1};
}

RunStats stats_of(const std::vector<RequestRecord>& records, const OpenInput& open) {
  return run_stats(
      {.records = records, .level = {.point = at_rate(open.rate_rps), .gpus = 2}, .open = open});
}

Phase phase_at(double ms) {
  if (ms < 1000) return Phase::kWarmup;
  return ms < 11'000 ? Phase::kMeasured : Phase::kFiller;
}

// Evenly at `rate` from 0 to 12 s; `answer` gives the first and the last token's instants.
std::vector<RequestRecord> evenly(double rate,
                                  const std::function<std::pair<double, double>(double)>& answer) {
  std::vector<Request> requests;
  for (double at = 1000 / rate; at < 12'000; at += 1000 / rate) {
    const auto [first, last] = answer(at);
    requests.push_back(
        {.phase = phase_at(at), .sent = at, .first = first, .last = last, .tokens = 10});
  }
  std::vector<RequestRecord> records = testing::records_of(requests);
  for (RequestRecord& record : records) record.planned_output_tokens = 10;
  return records;
}

std::vector<RequestRecord> quick() {
  return evenly(8, [](double at) { return std::pair(at + 50, at + 500); });
}

// Each waits 0.2 s longer for every second: what 8 requests/s do where 6.7 are served.
std::vector<RequestRecord> ever_later() {
  return evenly(8, [](double at) { return std::pair(1.2 * at + 50, 1.2 * at + 500); });
}

TEST(OpenLoad, CountsWhatWasDueSentAndServedInTheWindow) {
  const RunStats stats = stats_of(quick(), input(8));
  ASSERT_TRUE(stats.open);
  EXPECT_EQ(stats.open->scheduled, 80);
  EXPECT_EQ(stats.open->sent, 80);
  EXPECT_EQ(stats.open->waiting_at_end, 0);
  EXPECT_EQ(stats.open->window_from_ns, to_ns(at_ms(1000)));
  EXPECT_EQ(stats.open->window_to_ns, to_ns(at_ms(11'000)));
  EXPECT_EQ(stats.open->schedule_sha256, "ab");
  EXPECT_EQ(stats.open->state, LoadState::kSettled);
  EXPECT_DOUBLE_EQ(*stats.offered_rps, 8);
  EXPECT_DOUBLE_EQ(*stats.achieved_rps, 8);
  EXPECT_DOUBLE_EQ(*stats.served_rps, 8);
  EXPECT_DOUBLE_EQ(*stats.request_throughput_rps, 8);
  EXPECT_DOUBLE_EQ(*stats.growth_rps, 0);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 80, 0.5);
  EXPECT_NEAR(*stats.throughput_per_gpu_tps, 40, 0.25);
  EXPECT_DOUBLE_EQ(*stats.achieved_concurrency, 4);
  EXPECT_EQ(stats.wall_seconds, 10);
  EXPECT_FALSE(stats.littles_law_error);
  EXPECT_FALSE(stats.drain_bias);
  EXPECT_EQ(stats.e2e.p50, 500);
}

TEST(OpenLoad, StartsLatencyWhereTheScheduleDoes) {
  std::vector<RequestRecord> records = quick();
  for (RequestRecord& record : records) record.scheduled -= 30ms;  // sent 30 ms late
  const RunStats stats = stats_of(records, input(8));
  EXPECT_EQ(stats.e2e.p50, 530);
  EXPECT_EQ(stats.client.send_lateness_p50_ms, 30);
  EXPECT_EQ(stats.client.slot_gap_p99_ms, 0) << "no slot waits";
}

TEST(OpenLoad, IsOverloadedWhereRequestsPileUpFasterThanChanceWould) {
  const std::vector<RequestRecord> records = ever_later();
  const RunStats stats = stats_of(records, input(8));
  // A service takes 0.45 s, and 0.25 s at least to its first token: growth counts from 2.1 s on.
  // 2.33 · √(8 · 8.9 · (1 + 0.0625)) = 20.27; it is about 8.9 · 8 · (1 − 1 / 1.2) = 12.
  EXPECT_NEAR(*stats.open->growth_limit, 20.27, 0.01);
  EXPECT_EQ(stats.open->state, LoadState::kUnsettled) << "too short a window to tell";
  OpenInput constant = input(8);
  constant.arrival_cv = 0;
  const RunStats known = stats_of(records, constant);
  EXPECT_NEAR(*known.open->growth_limit, 4.92, 0.01);
  EXPECT_EQ(known.open->state, LoadState::kOverloaded);
  EXPECT_NEAR(*known.growth_rps, 8 - 8 / 1.2, 0.2);
  EXPECT_NEAR(*known.served_rps, 8 / 1.2, 0.15);
  EXPECT_EQ(known.open->waiting_at_end, 15);
}

TEST(OpenLoad, HasNoLatencyWhereItIsOverloaded) {
  OpenInput constant = input(8);
  constant.arrival_cv = 0;
  const RunStats stats = stats_of(ever_later(), constant);
  ASSERT_TRUE(stats.is_overloaded());
  for (const Distribution* latency :
       {&stats.e2e, &stats.ttft, &stats.ttfo, &stats.tpot, &stats.itl, &stats.icl}) {
    EXPECT_TRUE(latency->empty());
    EXPECT_FALSE(latency->p50);
  }
  EXPECT_FALSE(stats.output_speed_tps);
  EXPECT_FALSE(stats.decode_speed_tps);
  EXPECT_FALSE(stats.throughput_per_latency);
  ASSERT_TRUE(stats.open->transient_e2e);
  EXPECT_GT(*stats.open->transient_e2e->p50, 1000);
  RunStats judged = stats;
  judge_run(judged, {.point = at_rate(8)});
  EXPECT_TRUE(judged.valid) << "a slow server is no bad measurement";

  // One such run makes the level one, whatever the others are.
  RunStats settled = stats_of(quick(), input(8));
  settled.repeat = 1;
  LevelStats level = pool_runs({.point = at_rate(8)}, {stats, settled}, quick());
  EXPECT_TRUE(level.pooled.is_overloaded());
  EXPECT_TRUE(level.pooled.e2e.empty());
  EXPECT_FALSE(level.e2e_p50_between_runs_ci95);
  EXPECT_TRUE(level.pooled.request_throughput_rps);
}

TEST(OpenLoad, IsUnsettledWhereTheLastQuarterWaitsForAQuarterOfAService) {
  const auto late = [](double wait_ms) {
    return evenly(8, [=](double at) {
      const double wait = at > 8500 ? wait_ms : 0;
      return std::pair(at + 50 + wait, at + 500 + wait);
    });
  };
  EXPECT_EQ(stats_of(late(120), input(8)).open->state, LoadState::kSettled);
  EXPECT_EQ(stats_of(late(130), input(8)).open->state, LoadState::kUnsettled);
}

TEST(OpenLoad, TakesALoadThatStillBuildsUpForNoOverload) {
  // Each takes 4 s, and the warm-up is of one: 8 in flight at the begin of the window, 32 later.
  const auto records = evenly(8, [](double at) { return std::pair(at + 50, at + 4000); });
  OpenInput constant = input(8);
  constant.arrival_cv = 0;
  EXPECT_EQ(stats_of(records, constant).open->state, LoadState::kSettled);
}

TEST(OpenLoad, IsOverloadedWhereThatEndedTheRun) {
  std::vector<RequestRecord> records = quick();
  std::erase_if(records,
                [](const RequestRecord& record) { return record.scheduled > at_ms(6000); });
  for (RequestRecord& record : records) {
    if (*record.end > at_ms(6000)) {
      record.outcome = Outcome::kCancelled;
      record.end = at_ms(6000);
      record.last_token.reset();
      if (*record.first_token > at_ms(6000)) {
        record.first_byte.reset();
        record.first_token.reset();
      }
    }
  }
  RunStats stats = stats_of(records, input(8, Overload::kMaxInFlight));
  EXPECT_TRUE(stats.is_overloaded());
  EXPECT_EQ(stats.open->window_to_ns, to_ns(at_ms(6000))) << "the window ends with the run";
  EXPECT_DOUBLE_EQ(*stats.offered_rps, 8);
  judge_run(stats, {.point = at_rate(8)});
  EXPECT_TRUE(stats.valid) << "what was given up is no failure of the endpoint";
}

TEST(OpenLoad, IsInvalidWhereTheClientSentAnotherLoadThanWasScheduled) {
  const auto judged = [](int64_t scheduled, int64_t sent) {
    RunStats run = stats_of(quick(), input(8));
    run.open->scheduled = scheduled;
    run.open->sent = sent;
    judge_run(run, {.point = at_rate(8)});
    return run.invalid_reasons;
  };
  EXPECT_TRUE(judged(1000, 980).empty());
  EXPECT_EQ(judged(1000, 979), std::vector{InvalidReason::kRateOff});
  EXPECT_EQ(judged(1000, 1021), std::vector{InvalidReason::kRateOff});
  EXPECT_TRUE(judged(20, 19).empty()) << "one may be late at the window's edge";
}

}  // namespace
}  // namespace llmsweep

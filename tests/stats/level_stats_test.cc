#include "llmsweep/stats/level_stats.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "llmsweep/base/random.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

using std::chrono::milliseconds;
using testing::at_ms;
using testing::record_of;
using testing::records_of;
using testing::Request;

// Two slots with fillers. Slot 0: warm-up, two measured (10 ms apart), a filler that is cancelled
// at 430. Slot 1: warm-up until 150, two measured.
std::vector<Request> two_slots() {
  return {
      {0, Phase::kWarmup, 0, 10, 98, 100, 10},
      {1, Phase::kWarmup, 0, 10, 150, {}, 15},
      {0, Phase::kMeasured, 100, 120, 200, {}, 9},
      {0, Phase::kMeasured, 210, 230, 310, {}, 17},
      {1, Phase::kMeasured, 150, 160, 250, {}, 10},
      {1, Phase::kMeasured, 250, 270, 370, {}, 21},
      {0, Phase::kFiller, 310, 330, 430, {}, 10, Outcome::kCancelled},
  };
}

RunStats stats_of(const std::vector<RequestRecord>& records, LevelContext level) {
  return run_stats({.records = records, .repeat = 2, .level = level});
}

RunStats stats_of(const std::vector<Request>& requests, LevelContext level) {
  return stats_of(records_of(requests), level);
}

TEST(RunStats, OfNothingAreZeroAndAbsent) {
  const RunStats stats =
      stats_of(std::vector<RequestRecord>{}, {.point = at_concurrency(4), .gpus = 8});
  EXPECT_EQ(stats.requests.completed, 0);
  EXPECT_FALSE(stats.output_throughput_tps);
  EXPECT_FALSE(stats.steady_output_throughput_tps);
  EXPECT_FALSE(stats.achieved_concurrency);
  EXPECT_FALSE(stats.e2e.p50);
}

TEST(RunStats, AreTheHandComputedOnes) {
  const RunStats stats = stats_of(two_slots(), {.point = at_concurrency(2), .gpus = 4});
  EXPECT_EQ(stats.repeat, 2);
  EXPECT_EQ(stats.requests.completed, 4);
  EXPECT_EQ(stats.requests.failed, 0);
  EXPECT_NEAR(*stats.e2e.p50, 100, 1e-9);
  EXPECT_NEAR(*stats.e2e.max, 120, 1e-9);
  EXPECT_NEAR(*stats.ttft.p50, 20, 1e-9);
  EXPECT_NEAR(*stats.tpot.p50, 7.5, 1e-9);  // 80/8, 80/16, 90/9, 100/20
  EXPECT_NEAR(*stats.decode_speed_tps, 1000 / 7.5, 1e-9);
  EXPECT_NEAR(*stats.output_speed_tps, 135, 1e-9);  // 90, 170, 100, 175
  EXPECT_NEAR(*stats.output_tokens_mean, 14.25, 1e-9);
  EXPECT_NEAR(*stats.wall_seconds, 0.27, 1e-12);
  // 57 measured, and 40 of the 100 ms over which the filler's 10 came.
  EXPECT_NEAR(*stats.output_throughput_tps, 61 / 0.27, 1e-9);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 2 * 57 / 0.43, 1e-9);
  EXPECT_NEAR(*stats.request_throughput_rps, 2 * 4 / 0.43, 1e-9);
  EXPECT_NEAR(*stats.throughput_per_gpu_tps, 57 / 0.43 / 2, 1e-9);
  EXPECT_NEAR(*stats.throughput_per_latency, 2 * 57 / 0.43 / 100, 1e-9);
  EXPECT_NEAR(*stats.achieved_concurrency, 530.0 / 270, 1e-9);
  const double little = 2 * 4 / 0.43 * 0.105;  // λW
  EXPECT_NEAR(*stats.littles_law_error, 1 - little * 270 / 530, 1e-9);
  EXPECT_FALSE(stats.drain_bias);
  EXPECT_FALSE(stats.goodput_fraction);
}

// Sent at 100; role at 105, first token at 120, last at 200, finish reason at 210; 9 tokens.
TEST(RunStats, CarryTheSameRequestsUnderVllmsDefinitions) {
  RequestRecord record =
      record_of({.sent = 100, .first = 120, .last = 200, .end = 212, .tokens = 9});
  record.first_choice = at_ms(105);
  record.last_choice = at_ms(210);
  RequestRecord one_token = record_of({.sent = 100, .first = 130, .last = 130, .tokens = 1});
  one_token.first_choice = at_ms(115);
  one_token.last_choice = at_ms(130);
  RequestRecord failed = record;
  failed.outcome = Outcome::kTimeout;
  const std::vector<RequestRecord> records = {record, one_token, failed};
  const RunStats stats = stats_of(records, {.point = at_rate(8)});
  ASSERT_TRUE(stats.vllm);
  EXPECT_EQ(stats.vllm->e2e.count, 2);
  EXPECT_DOUBLE_EQ(*stats.vllm->e2e.max, 110);
  EXPECT_DOUBLE_EQ(*stats.vllm->e2e.min, 30);
  EXPECT_DOUBLE_EQ(*stats.vllm->ttft.p50, 10);
  EXPECT_EQ(stats.vllm->tpot.count, 1);  // an answer of one token has none
  EXPECT_DOUBLE_EQ(*stats.vllm->tpot.p50, 105.0 / 8);
  EXPECT_DOUBLE_EQ(*stats.e2e.max, 100);  // our own do not change
  EXPECT_DOUBLE_EQ(*stats.ttft.min, 20);
}

TEST(RunStats, HaveNoVllmFiguresWhereTheRecordsDoNotSay) {
  EXPECT_FALSE(stats_of(two_slots(), {.point = at_concurrency(2)}).vllm);
}

TEST(RunStats, EstimateTheTokensOfRequestsThatEndedBeforeTheirUsageCame) {
  std::vector<RequestRecord> records = records_of(two_slots());
  for (RequestRecord& record : records) {
    if (record.outcome == Outcome::kOk) {
      record.output_tokens *= 2;  // two tokens a chunk
    } else {
      record.token_source = TokenSource::kChunks;
    }
  }
  const RunStats stats = stats_of(records, {.point = at_concurrency(2), .gpus = 4});
  // All is twice as much, the filler's ten chunks too.
  EXPECT_NEAR(*stats.output_throughput_tps, 2 * 61 / 0.27, 1e-9);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 2 * 2 * 57 / 0.43, 1e-9);
  // Where nobody reports usage, chunks are all that is known.
  for (RequestRecord& record : records) record.token_source = TokenSource::kChunks;
  EXPECT_NEAR(*stats_of(records, {.point = at_concurrency(2)}).output_throughput_tps,
              (2 * 57 + 4) / 0.27, 1e-9);
}

TEST(RunStats, DoNotDependOnTheOrderOfRecords) {
  std::vector<RequestRecord> records = records_of(two_slots());
  const RunStats expected = stats_of(records, {.point = at_concurrency(2), .gpus = 4});
  Random random(5);
  for (int trial = 0; trial < 20; ++trial) {
    random.shuffle(records);
    const RunStats stats = stats_of(records, {.point = at_concurrency(2), .gpus = 4});
    EXPECT_EQ(stats.steady_output_throughput_tps, expected.steady_output_throughput_tps);
    EXPECT_NEAR(*stats.output_throughput_tps, *expected.output_throughput_tps, 1e-9);
    EXPECT_EQ(stats.client.slot_gap_p99_ms, expected.client.slot_gap_p99_ms);
    EXPECT_EQ(stats.e2e.p50, expected.e2e.p50);
  }
}

TEST(RunStats, CountTheTailAfterTheLastTokenInTheCycleButNotInTheGap) {
  std::vector<Request> requests = two_slots();
  requests[2].end = 205;  // [DONE] 5 ms after the last token: the gap to 210 shrinks to 5
  const RunStats stats = stats_of(requests, {.point = at_concurrency(2)});
  EXPECT_NEAR(stats.client.slot_gap_p99_ms, 5, 0.2);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 2 * 57 / 0.43, 1e-9);
}

TEST(RunStats, KeepFailuresOutOfLatenciesButTheirTimeAndTokensInThroughput) {
  std::vector<Request> requests = two_slots();
  requests[4] = {1, Phase::kMeasured, 150, 160, 200, 250, 6, Outcome::kTimeout};
  const RunStats stats = stats_of(requests, {.point = at_concurrency(2)});
  EXPECT_EQ(stats.requests.completed, 3);
  EXPECT_EQ(stats.requests.failed, 1);
  EXPECT_EQ(stats.requests.by_outcome.at(Outcome::kTimeout), 1);
  EXPECT_EQ(stats.e2e.count, 3);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 2 * 53 / 0.43, 1e-9);
  EXPECT_NEAR(*stats.request_throughput_rps, 2 * 3 / 0.43, 1e-9);
}

TEST(RunStats, TakeARequestThatWasNeverSent) {
  std::vector<RequestRecord> records = records_of(two_slots());
  RequestRecord refused{.slot = 1, .outcome = Outcome::kTransportError};
  refused.scheduled = at_ms(370);
  refused.end = at_ms(375);
  records.push_back(refused);
  const RunStats stats = stats_of(records, {.point = at_concurrency(2)});
  EXPECT_EQ(stats.requests.failed, 1);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 2 * 57 / 0.435, 1e-9);
}

TEST(RunStats, WithoutFillersTakeTheWindowInWhichEverySlotHadWork) {
  std::vector<Request> requests;
  for (uint32_t slot : {0u, 1u}) {
    for (double sent : {0.0, 100.0, 200.0, 300.0}) {
      requests.push_back({slot, Phase::kMeasured, sent, sent + 50, sent + 100, {}, 10});
    }
  }
  requests.back().last = 700;  // the drain: one slot works on alone
  const RunStats stats =
      stats_of(requests, {.point = at_concurrency(2), .gpus = 1, .fillers = false});
  EXPECT_NEAR(*stats.output_throughput_tps, 80 / 0.7, 1e-9);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 40 / 0.2, 1e-9);  // from 100 to 300
  EXPECT_NEAR(*stats.drain_bias, 80 / 0.7 / 200 - 1, 1e-9);
  EXPECT_NEAR(*stats.request_throughput_rps, 8 / 0.7, 1e-9);
  EXPECT_NEAR(*stats.achieved_concurrency, 2, 1e-9);
  EXPECT_NEAR(*stats.throughput_per_gpu_tps, 200, 1e-9);
}

TEST(RunStats, WithoutASteadyWindowFallBackToTheDrainedThroughput) {
  const RunStats stats = stats_of({{0, Phase::kMeasured, 0, 50, 100, {}, 10}},
                                  {.point = at_concurrency(1), .gpus = 2, .fillers = false});
  EXPECT_FALSE(stats.steady_output_throughput_tps);
  EXPECT_FALSE(stats.drain_bias);
  EXPECT_NEAR(headline_throughput_tps(stats), 100, 1e-9);
  EXPECT_NEAR(*stats.throughput_per_gpu_tps, 50, 1e-9);
}

TEST(RunStats, CountGoodRequestsAgainstAllMeasuredOnes) {
  std::vector<Request> requests = two_slots();
  requests[5].outcome = Outcome::kHttpError;
  const std::vector<Target> goodput{
      {.metric = Metric::kE2e, .max = milliseconds(110)},
      {.metric = Metric::kTtft, .max = milliseconds(15)},
  };
  const RunStats stats = stats_of(requests, {.point = at_concurrency(2), .goodput = goodput});
  EXPECT_NEAR(*stats.goodput_fraction, 0.25, 1e-12);  // only slot 1's first: TTFT 10
  EXPECT_NEAR(*stats.goodput_rps, 2 / 0.43, 1e-9);
}

TEST(RunStats, AnswerOfOneTokenMeetsEveryTargetBetweenTokens) {
  std::vector<RequestRecord> records = records_of(
      {{0, Phase::kMeasured, 0, 50, 50, {}, 1}, {0, Phase::kMeasured, 50, 90, 150, {}, 3}});
  const std::vector<Target> goodput{{.metric = Metric::kTpot, .max = milliseconds(20)}};
  const RunStats stats = stats_of(records, {.point = at_concurrency(1), .goodput = goodput});
  EXPECT_EQ(stats.tpot.count, 1);
  EXPECT_NEAR(*stats.tpot.p50, 30, 1e-9);
  EXPECT_NEAR(*stats.goodput_fraction, 0.5, 1e-12);
}

TEST(RunStats, CompareTokensWithThePlanWithoutLettingErrorsCancel) {
  std::vector<RequestRecord> records = records_of(two_slots());
  for (RequestRecord& record : records) {
    record.planned_output_tokens = record.output_tokens;
    record.planned_input_tokens = 100;
    record.input_tokens = 100;
    record.cached_tokens = 40;
  }
  records[2].planned_output_tokens += 3;
  records[3].planned_output_tokens -= 3;
  records[4].input_tokens = 104;
  RunStats stats = stats_of(records, {.point = at_concurrency(2)});
  EXPECT_NEAR(*stats.output_tokens_off, 6.0 / 57, 1e-12);
  EXPECT_NEAR(*stats.input_tokens_off, 4.0 / 400, 1e-12);
  EXPECT_NEAR(*stats.input_tokens_mean, 101, 1e-12);
  EXPECT_NEAR(*stats.cached_tokens_mean, 40, 1e-12);
  EXPECT_FALSE(stats.token_count_estimated);
  for (RequestRecord& record : records) record.token_source = TokenSource::kChunks;
  stats = stats_of(records, {.point = at_concurrency(2)});
  EXPECT_NEAR(*stats.output_tokens_off, 6.0 / 57, 1e-12) << "too short, if chunks are tokens";
  EXPECT_TRUE(stats.token_count_estimated);
  for (RequestRecord& record : records) record.finish_reason = "length";
  EXPECT_FALSE(stats_of(records, {.point = at_concurrency(2)}).output_tokens_off)
      << "long enough, whatever a chunk holds";
}

TEST(RunStats, TakeTpotFromWhatWasStreamed) {
  RequestRecord record = record_of({.sent = 0, .first = 100, .last = 290, .tokens = 80});
  record.streamed_tokens = 20;
  EXPECT_NEAR(*request_metrics(record, LatencyOrigin::kSent).tpot_ms, 10, 1e-9);
  record.first_chunk_tokens = 10;
  EXPECT_NEAR(*request_metrics(record, LatencyOrigin::kSent).tpot_ms, 19, 1e-9);
  record.streamed_tokens.reset();  // of an older file
  EXPECT_NEAR(*request_metrics(record, LatencyOrigin::kSent).tpot_ms, 190.0 / 70, 1e-9);
}

TEST(RunStats, GiveNoTtftToAnAnswerThatCameInOneRead) {
  RequestRecord record = record_of({.sent = 0, .first = 100, .last = 100, .tokens = 20});
  record.first_chunk_tokens = 20;
  const RequestMetrics buffered = request_metrics(record, LatencyOrigin::kSent);
  EXPECT_FALSE(buffered.ttft_ms || buffered.tpot_ms);
  EXPECT_EQ(buffered.e2e_ms, 100);
  const std::vector<Target> goodput = {{.metric = Metric::kTtft, .max = from_ms(100)}};
  EXPECT_EQ(
      stats_of(std::vector<RequestRecord>{record}, {.point = at_concurrency(1), .goodput = goodput})
          .goodput_fraction,
      1)
      << "it had come by then";
  record.streamed_tokens = 1;  // the others are hidden reasoning
  EXPECT_EQ(request_metrics(record, LatencyOrigin::kSent).ttft_ms, 100);
}

TEST(RunStats, TakeAHeldSlotForTaken) {
  // One slot: refused at 100 ms with a Retry-After of 1 s, which is obeyed; sent 2 ms late.
  std::vector<RequestRecord> records =
      records_of({{.sent = 0, .end = 100, .outcome = Outcome::kHttpError},
                  {.sent = 1102, .first = 1150, .last = 1200, .tokens = 10}});
  records[0].retry_after_ms = 1000;
  records[1].scheduled = at_ms(1100);
  const RunStats held = stats_of(records, {.point = at_concurrency(1)});
  EXPECT_NEAR(held.client.slot_gap_p99_ms, 2, 1e-9);
  EXPECT_NEAR(*held.achieved_concurrency, 1198.0 / 1200, 1e-9);
  EXPECT_NEAR(*held.steady_output_throughput_tps, 10 / 1.2, 1e-9);
  records[0].retry_after_ms.reset();
  EXPECT_NEAR(stats_of(records, {.point = at_concurrency(1)}).client.slot_gap_p99_ms, 1002, 1e-9);
}

TEST(RunStats, TakeClientHealthFromTheRecords) {
  std::vector<RequestRecord> records = records_of(two_slots());
  records[0].scheduled = at_ms(-3);  // of the two that start their slot
  records[2].coalesced_chunks = 4;
  records[3].reconnected = true;
  records[3].chunks = 5;  // 17 tokens: speculative decoding
  const RunStats stats =
      run_stats({.records = records,
                 .level = {.point = at_concurrency(2)},
                 .client = {.busy_fraction = 0.1, .iterations = 40, .reconnects = 77}});
  EXPECT_NEAR(stats.client.slot_gap_p50_ms, 0, 1e-9);  // 0, 0, 0, 10
  EXPECT_NEAR(stats.client.slot_gap_p99_ms, 9.7, 1e-9);
  EXPECT_NEAR(stats.client.send_lateness_p50_ms, 1.5, 1e-9);
  EXPECT_EQ(stats.client.chunks, 10 + 15 + 9 + 5 + 10 + 21 + 10);
  EXPECT_NEAR(stats.client.chunks_per_iteration, 2, 1e-12);
  EXPECT_NEAR(stats.client.coalesced_fraction, 4.0 / (80 - 7), 1e-12);
  EXPECT_NEAR(stats.client.tokens_per_chunk, 82.0 / 70, 1e-12);  // the cancelled one left out
  EXPECT_EQ(stats.client.reconnects, 1);
  EXPECT_EQ(stats.client.busy_fraction, 0.1);
}

TEST(RunStats, AddUpTheHistogramsOfCompletedRequests) {
  std::vector<RequestRecord> records = records_of(two_slots());
  for (RequestRecord& record : records) {
    record.icl.add(milliseconds(10));
    record.itl.add(milliseconds(5), 2);
  }
  records[2].icl.add(milliseconds(40));
  const RunStats stats = stats_of(records, {.point = at_concurrency(2)});
  EXPECT_EQ(stats.icl.count, 5);
  EXPECT_EQ(stats.itl.count, 8);
  EXPECT_NEAR(*stats.icl.mean, 16, 16.0 / 2048);
  EXPECT_NEAR(*stats.itl.p50, 5, 5.0 / 2048);
}

TEST(RunStats, OfAHundredThousandRequestsAreNotQuadratic) {
  std::vector<Request> requests;
  for (int i = 0; i < 100'000; ++i) {
    const double sent = 100.0 * (i / 1000);
    requests.push_back(
        {static_cast<uint32_t>(i % 1000), Phase::kMeasured, sent, sent + 10, sent + 100, {}, 10});
  }
  const RunStats stats = stats_of(requests, {.point = at_concurrency(1000)});
  EXPECT_EQ(stats.e2e.count, 100'000);
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 100'000, 1e-3);
  EXPECT_NEAR(*stats.achieved_concurrency, 1000, 1e-6);
}

TEST(RunStats, InAnOpenLoopStartAtTheSchedule) {
  std::vector<RequestRecord> records = records_of({{0, Phase::kMeasured, 30, 50, 130, {}, 9}});
  records[0].scheduled = at_ms(0);
  const RunStats stats = stats_of(records, {.point = at_rate(8)});
  EXPECT_NEAR(*stats.e2e.p50, 130, 1e-9);
  EXPECT_NEAR(*stats.ttft.p50, 50, 1e-9);
  EXPECT_NEAR(stats.client.send_lateness_p50_ms, 30, 1e-9);
  EXPECT_FALSE(stats.steady_output_throughput_tps);
}

}  // namespace
}  // namespace llmsweep

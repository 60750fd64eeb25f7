#include "llmsweep/stats/validity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "llmsweep/model/names.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

using std::chrono::seconds;

// 100 completed requests of 1,500 ms at concurrency 8, nothing to complain about.
RunStats good_run() {
  RunStats run = testing::level_of(8, 1500).pooled;
  run.achieved_concurrency = 8;
  run.littles_law_error = 0.001;
  run.input_tokens_mean = 2400;
  run.input_tokens_off = run.output_tokens_off = 0;
  run.client.receive_stamps = true;
  return run;
}

RunStats judged(const std::function<void(RunStats&, ValidityInput&)>& change) {
  RunStats run = good_run();
  ValidityInput input{.point = at_concurrency(8)};
  change(run, input);
  judge_run(run, input);
  return run;
}

void expect_only(const RunStats& run, InvalidReason reason) {
  EXPECT_FALSE(run.valid);
  EXPECT_EQ(run.invalid_reasons, std::vector{reason}) << name_of(reason);
}

TEST(StreamFindings, LookAtEveryPhase) {
  RequestRecord record;
  record.phase = Phase::kWarmup;
  record.input_tokens = 100;
  record.cached_tokens = 50;
  record.other_model = "m2";
  record.repaired_chunks = 1;
  record.last_choice = from_ns(0);
  record.end = from_ns(30'000'000);
  RequestRecord refused;
  refused.outcome = Outcome::kHttpError;
  refused.retry_after_ms = 1000;
  const std::vector<RequestRecord> records = {record, refused};
  const StreamFindings found = stream_findings(records, RetryAfter::kHold);
  EXPECT_TRUE(found.other_model && found.repaired_chunks && found.slots_held);
  EXPECT_DOUBLE_EQ(found.cached_share, 0.5);
  EXPECT_DOUBLE_EQ(found.tail_p50_ms, 30);
  EXPECT_FALSE(stream_findings(records, RetryAfter::kFail).slots_held);
  EXPECT_DOUBLE_EQ(stream_findings({}, RetryAfter::kHold).cached_share, 0);
}

TEST(JudgeRun, FindsNothingInAGoodRun) {
  const RunStats run = judged([](RunStats&, ValidityInput&) {});
  EXPECT_TRUE(run.valid);
  EXPECT_TRUE(run.invalid_reasons.empty());
  EXPECT_TRUE(run.warnings.empty());
}

TEST(JudgeRun, NamesEachReasonJustAboveItsLimitAndNotAtIt) {
  struct Case {
    InvalidReason reason;
    double limit;
    std::function<void(RunStats&, double)> set;
  };
  const std::vector<Case> cases = {
      {InvalidReason::kClientBusy, 0.8,
       [](RunStats& run, double value) { run.client.busy_fraction = value; }},
      {InvalidReason::kSlotGap, 15,
       [](RunStats& run, double value) { run.client.slot_gap_p99_ms = value; }},
      {InvalidReason::kConcurrencyOff, 8 * 1.02,
       [](RunStats& run, double value) { run.achieved_concurrency = value; }},
      {InvalidReason::kOutputTokensOff, 0.01,
       [](RunStats& run, double value) { run.output_tokens_off = value; }},
      {InvalidReason::kInputTokensOff, 0.01,
       [](RunStats& run, double value) { run.input_tokens_off = value; }},
  };
  for (const Case& one : cases) {
    const auto with = [&](double value) {
      return judged([&](RunStats& run, ValidityInput&) { one.set(run, value); });
    };
    expect_only(with(one.limit * 1.001), one.reason);
    EXPECT_TRUE(with(one.limit * 0.999).valid) << name_of(one.reason);
  }
}

TEST(JudgeRun, FindsAConcurrencyThatWasNotReached) {
  expect_only(judged([](RunStats& run, ValidityInput&) { run.achieved_concurrency = 7.8; }),
              InvalidReason::kConcurrencyOff);
}

// A time to measure that was over before it had passed: nothing was sent any more.
TEST(JudgeRun, FindsALoadThatRanDry) {
  const auto lasted = [](double seconds) {
    return judged([&](RunStats& run, ValidityInput& input) {
      input.measure_for = std::chrono::seconds(60);
      run.wall_seconds = seconds;
    });
  };
  EXPECT_TRUE(lasted(61).valid);
  expect_only(lasted(12), InvalidReason::kConcurrencyOff);
}

TEST(JudgeRun, AllowsADelayOfAMillisecondHoweverShortTheAnswers) {
  const auto with_gap = [](double gap_ms) {
    return judged([&](RunStats& run, ValidityInput&) {
      run.e2e.p50 = 20;
      run.client.slot_gap_p99_ms = gap_ms;
    });
  };
  EXPECT_TRUE(with_gap(0.99).valid);
  expect_only(with_gap(1.01), InvalidReason::kSlotGap);
}

TEST(JudgeRun, TakesSendLatenessInAnOpenLoopAndSlotGapsInAClosedOne) {
  const auto late = [](LoadPoint point) {
    return judged([&](RunStats& run, ValidityInput& input) {
      input.point = point;
      run.client.send_lateness_p99_ms = 100;
    });
  };
  EXPECT_TRUE(late(at_concurrency(8)).valid);
  expect_only(late(at_rate(8)), InvalidReason::kSendLateness);
  EXPECT_TRUE(judged([](RunStats& run, ValidityInput& input) {
                input.point = at_rate(8);
                run.client.slot_gap_p99_ms = 100;
              }).valid);
}

TEST(JudgeRun, HoldsTheRequestsInFlightToAConcurrencyAlone) {
  const auto with_three = [](LoadPoint point) {
    return judged([&](RunStats& run, ValidityInput& input) {
      input.point = point;
      run.achieved_concurrency = 3;
    });
  };
  expect_only(with_three(at_concurrency(8)), InvalidReason::kConcurrencyOff);
  EXPECT_TRUE(with_three(with_users(8)).valid);  // who think between their requests
  EXPECT_TRUE(with_three(at_rate(8)).valid);
}

TEST(JudgeRun, CallsEstimatedInputInvalidWhereTheSpecWantsExactLengths) {
  const auto estimated = [](double asked, bool exact) {
    return judged([&](RunStats& run, ValidityInput& input) {
      run.input_tokens_mean = 2400;
      input.estimated_input_tokens = asked;
      input.lengths_are_exact = exact;
    });
  };
  EXPECT_TRUE(estimated(2000, false).valid);
  EXPECT_TRUE(estimated(2390, true).valid);
  EXPECT_EQ(estimated(2000, true).invalid_reasons, std::vector{InvalidReason::kInputTokensOff});
  EXPECT_EQ(estimated(3000, true).invalid_reasons, std::vector{InvalidReason::kInputTokensOff});
}

TEST(JudgeRun, CountsErrorsAgainstTheLimitOfTheSpec) {
  const auto with_failures = [](int64_t failed, double limit) {
    return judged([&](RunStats& run, ValidityInput& input) {
      run.requests.failed = failed;
      input.max_error_rate = limit;
    });
  };
  EXPECT_TRUE(with_failures(1, 0.01).valid);  // 1 of 101
  expect_only(with_failures(2, 0.01), InvalidReason::kErrors);
  EXPECT_TRUE(with_failures(2, 0.02).valid);
  expect_only(with_failures(1, 0), InvalidReason::kErrors);
}

TEST(JudgeRun, CountsNoRequestThatAnInterruptBrokeOffAsAFailure) {
  const auto interrupted = [](int64_t failed, int64_t cancelled) {
    return judged([=](RunStats& run, ValidityInput& input) {
      input.interrupted = true;
      run.requests.failed = failed + cancelled;
      run.requests.by_outcome[Outcome::kCancelled] = cancelled;
    });
  };
  expect_only(interrupted(0, 8), InvalidReason::kInterrupted);
  EXPECT_EQ(interrupted(8, 8).invalid_reasons,
            (std::vector{InvalidReason::kErrors, InvalidReason::kInterrupted}));
}

TEST(JudgeRun, NeedsACompletedRequestAndAnUninterruptedLevel) {
  expect_only(judged([](RunStats& run, ValidityInput&) { run.e2e = {}; }),
              InvalidReason::kTooFewRequests);
  expect_only(judged([](RunStats&, ValidityInput& input) { input.interrupted = true; }),
              InvalidReason::kInterrupted);
}

TEST(JudgeRun, WantsTheEnergyThatTheSpecRequires) {
  expect_only(judged([](RunStats&, ValidityInput& input) { input.energy_required = true; }),
              InvalidReason::kEnergyMissing);
  EXPECT_TRUE(judged([](RunStats& run, ValidityInput& input) {
                input.energy_required = true;
                run.gpu_j_per_output_token = 4;
              }).valid);
}

TEST(JudgeRun, ForgetsWhatAnEarlierJudgementFound) {
  RunStats run = good_run();
  run.client.busy_fraction = 0.9;
  judge_run(run, {.point = at_concurrency(8)});
  EXPECT_FALSE(run.valid);
  run.client.busy_fraction = 0.1;
  judge_run(run, {.point = at_concurrency(8)});
  EXPECT_TRUE(run.valid);
}

TEST(JudgeRun, WarnsOfEachThingAlone) {
  const std::vector<std::pair<Warning, std::function<void(RunStats&, ValidityInput&)>>> cases = {
      {Warning::kClientBusy, [](RunStats& run, auto&) { run.client.busy_fraction = 0.31; }},
      {Warning::kReconnects, [](RunStats& run, auto&) { run.client.reconnects = 1; }},
      {Warning::kTokenCountEstimated,
       [](RunStats& run, auto&) { run.token_count_estimated = true; }},
      {Warning::kInputUnverified, [](RunStats& run, auto&) { run.input_tokens_mean = 0; }},
      {Warning::kOutputOff,
       [](RunStats& run, auto& input) {
         run.output_tokens_off = 0.5;
         input.output_is_exact = false;
       }},
      {Warning::kInputEstimated,
       [](RunStats&, auto& input) { input.estimated_input_tokens = 2000; }},
      {Warning::kCachedTokens, [](RunStats& run, auto&) { run.cached_tokens_mean = 25; }},
      {Warning::kPromptsReused, [](RunStats&, auto& input) { input.prompts_reused = true; }},
      {Warning::kLittlesLaw, [](RunStats& run, auto&) { run.littles_law_error = 0.051; }},
      {Warning::kNoReceiveStamps, [](RunStats& run, auto&) { run.client.receive_stamps = false; }},
      {Warning::kCachedTokens, [](RunStats&, auto& input) { input.streams.cached_share = 0.02; }},
      {Warning::kBuffered,
       [](RunStats& run, auto&) {
         run.ttft.count = *run.e2e.count - 6;
         run.client.coalesced_fraction = 1;
       }},
      {Warning::kCoalesced, [](RunStats& run, auto&) { run.client.coalesced_fraction = 0.5; }},
      {Warning::kOtherModel, [](RunStats&, auto& input) { input.streams.other_model = true; }},
      {Warning::kRepairedChunks,
       [](RunStats&, auto& input) { input.streams.repaired_chunks = true; }},
      {Warning::kSlotsHeld, [](RunStats&, auto& input) { input.streams.slots_held = true; }},
      {Warning::kResponseTail, [](RunStats&, auto& input) { input.streams.tail_p50_ms = 15.1; }},
      {Warning::kRetryAfterCut, [](RunStats&, auto& input) { input.retry_after_cut = true; }},
      {Warning::kWithDrain, [](RunStats&, auto& input) { input.fillers = false; }},
      {Warning::kForeignTraffic,
       [](RunStats& run, auto&) {
         run.telemetry.emplace().foreign = ForeignTraffic{.found = true};
       }},
  };
  for (const auto& [warning, change] : cases) {
    const RunStats run = judged(change);
    EXPECT_TRUE(run.valid) << name_of(warning);
    EXPECT_EQ(run.warnings, std::vector{warning}) << name_of(warning);
  }
}

// Of E2E at its median, in ms: ours and the kernel's.
ClientShare share_of(const char* key, double ours_ms, double kernels_ms) {
  return {.measure = measure_of(key), .ours_ms = ours_ms, .kernels_ms = kernels_ms};
}

TEST(ClientShare, MayBeAHundredthOfTheFigureOrFiftyMicroseconds) {
  EXPECT_FALSE(share_of("e2e", 1014.9, 1005).too_large());
  EXPECT_TRUE(share_of("e2e", 1015.2, 1005).too_large());
  EXPECT_TRUE(share_of("e2e", 994.8, 1005).too_large());  // a late start makes TPOT shorter
  EXPECT_FALSE(share_of("ttft", 2.049, 2).too_large());
  EXPECT_TRUE(share_of("ttft", 2.051, 2).too_large());
}

TEST(JudgeRun, DoubtsTheFigureAndNotTheLevelWhereNoTargetIsOfIt) {
  const std::vector<ClientShare> shares = {share_of("e2e", 1500, 1499), share_of("ttft", 22, 20)};
  const RunStats run = judged([&](RunStats&, ValidityInput& input) { input.shares = shares; });
  EXPECT_TRUE(run.valid);
  EXPECT_EQ(run.validity, (Validity{{"ttft:p50", {InvalidReason::kClientDelay}}}));
  EXPECT_EQ(run.warnings, std::vector{Warning::kClientDelayTtft});
  EXPECT_FALSE(is_sound(run, measure_of("ttft")));
  EXPECT_TRUE(is_sound(run, measure_of("e2e")));
}

TEST(JudgeRun, CallsTheLevelInvalidWhereTheTargetsFigureIsInDoubt) {
  const std::vector<ClientShare> shares = {share_of("e2e", 1500, 1499), share_of("ttft", 22, 20)};
  const std::vector<Target> targets = {{.metric = Metric::kTtft, .max = seconds(1)}};
  expect_only(judged([&](RunStats&, ValidityInput& input) {
                input.shares = shares;
                input.targets = targets;
              }),
              InvalidReason::kClientDelay);
  const std::vector<ClientShare> late_end = {share_of("e2e", 1530, 1500)};
  const auto with_late_end = [&](std::span<const Target> of) {
    return judged([&](RunStats&, ValidityInput& input) {
      input.shares = late_end;
      input.targets = of;
    });
  };
  expect_only(with_late_end({}), InvalidReason::kClientDelay);  // without targets: the median E2E
  EXPECT_TRUE(with_late_end(targets).valid);
}

TEST(JudgeRun, DoubtsWhatIsMadeOfAFigureInDoubt) {
  const std::vector<ClientShare> shares = {share_of("tpot", 11, 10)};
  const RunStats run = judged([&](RunStats& stats, ValidityInput& input) {
    input.shares = shares;
    stats.decode_speed_tps = 90;
  });
  EXPECT_FALSE(is_sound(run, measure_of("decode_speed")));
  EXPECT_TRUE(is_sound(run, measure_of("output_speed")));
}

TEST(JudgeRun, JudgesGapsByTheSampledDelayAtTheSameStatistic) {
  const auto with_delay = [](double p99_ms) {
    return judged([&](RunStats& run, ValidityInput&) {
      run.itl = {.count = 10'000, .mean = 10, .p50 = 10, .p90 = 11, .p95 = 12, .p99 = 20};
      run.client.receive_samples = 1000;
      run.client.receive_delay_p50_ms = 0.02;
      run.client.receive_delay_mean_ms = 0.03;
      run.client.receive_delay_p90_ms = 0.05;
      run.client.receive_delay_p95_ms = 0.06;
      run.client.receive_delay_p99_ms = p99_ms;
    });
  };
  EXPECT_TRUE(with_delay(0.99).validity.empty());
  EXPECT_EQ(with_delay(1.01).validity, (Validity{{"itl:p99", {InvalidReason::kClientDelay}}}));
}

TEST(JudgeRun, JudgesByTheSampledDelayWhereTheArrivalsAreNotKnown) {
  const auto with_delay = [](double p50_ms) {
    return judged([&](RunStats& run, ValidityInput&) {
      run.client.receive_samples = 1000;
      run.client.receive_delay_mean_ms = 1;
      run.client.receive_delay_p50_ms = run.client.receive_delay_p99_ms = p50_ms;
    });
  };
  EXPECT_TRUE(with_delay(14.9).valid);
  EXPECT_FALSE(with_delay(15.1).valid);
}

TEST(JudgeRun, RefusesGapsOfWhichOneInAHundredWasLeftOut) {
  const auto with_left_out = [](int64_t left_out) {
    return judged([&](RunStats& run, ValidityInput&) {
      run.itl = run.icl = {.count = 10'000, .mean = 10, .p50 = 10};
      run.client.gaps = 10'000;
      run.client.gaps_left_out = left_out;
    });
  };
  EXPECT_TRUE(with_left_out(100).validity.empty());
  const RunStats run = with_left_out(101);
  EXPECT_TRUE(run.valid);
  EXPECT_EQ(run.validity.at("itl:p50"), std::vector{InvalidReason::kGapsLeftOut});
  EXPECT_EQ(run.warnings, (std::vector{Warning::kClientDelayItl, Warning::kClientDelayIcl}));
}

TEST(JudgeRun, SpeaksOfStallsOnlyWhereAFigureIsInDoubt) {
  const std::vector<ClientShare> shares = {share_of("ttft", 22, 20)};
  const auto with_stalls = [&](bool moved) {
    return judged([&](RunStats& run, ValidityInput& input) {
      run.client.stalls = 3;
      run.client.receive_samples = 1000;
      run.client.receive_delay_mean_ms = 0.02;
      if (moved) input.shares = shares;
    });
  };
  EXPECT_TRUE(with_stalls(false).warnings.empty());
  EXPECT_EQ(with_stalls(true).warnings,
            (std::vector{Warning::kClientDelayTtft, Warning::kHostStall}));
}

TEST(JudgeRun, JudgesARunOfAnOlderVersionByItsRule) {
  const auto with_delay = [](double p99_ms) {
    return judged([&](RunStats& run, ValidityInput&) {
      run.client.stalls = 1;
      run.client.receive_samples = 1000;
      run.client.receive_delay_p50_ms = 1;
      run.client.receive_delay_p99_ms = p99_ms;
    });
  };
  EXPECT_EQ(with_delay(14.9).warnings, std::vector{Warning::kHostStall});
  EXPECT_TRUE(with_delay(14.9).valid && with_delay(14.9).validity.empty());
  expect_only(with_delay(15.1), InvalidReason::kClientDelay);
}

TEST(JudgeRun, AllowsSlotGapsThatAreRare) {
  const auto with_mean = [](double mean_ms) {
    return judged([&](RunStats& run, ValidityInput&) {
      run.client.slot_gap_p99_ms = 40;
      run.client.slot_gap_mean_ms = mean_ms;
    });
  };
  EXPECT_TRUE(with_mean(15).valid);
  expect_only(with_mean(15.3), InvalidReason::kSlotGap);
}

// 200 requests of 100 ms, 20 ms to the first token, 8 of 9 tokens after it.
std::vector<RequestRecord> on_time() {
  std::vector<testing::Request> requests;
  for (int i = 0; i < 200; ++i) {
    const double sent = i * 200.0;
    requests.push_back({.sent = sent, .first = sent + 20, .last = sent + 100, .tokens = 9});
  }
  auto records = testing::records_of(requests);
  for (RequestRecord& record : records) {
    record.first_token_delay = record.first_answer_token_delay = record.last_token_delay =
        Duration(0);
  }
  return records;
}

const ClientShare& find_share(const std::vector<ClientShare>& shares, const char* key,
                              Statistic statistic) {
  return *std::find_if(shares.begin(), shares.end(), [&](const ClientShare& share) {
    return share.measure.quantity->key == key && share.measure.statistic == statistic;
  });
}

TEST(ClientShares, AreTheDifferenceAtEachStatistic) {
  auto records = on_time();
  for (size_t i = 0; i < 30; ++i) records[i].last_token_delay = from_ms(40);
  const auto shares = client_shares(records, LatencyOrigin::kSent);
  // 30 of 200 ended 40 ms before their stamp: the median stays, the mean moves by 6 ms.
  EXPECT_DOUBLE_EQ(find_share(shares, "e2e", Statistic::kP50).kernels_ms, 100);
  EXPECT_DOUBLE_EQ(find_share(shares, "e2e", Statistic::kMean).ours_ms, 100);
  EXPECT_NEAR(find_share(shares, "e2e", Statistic::kMean).kernels_ms, 94, 1e-9);
  EXPECT_NEAR(find_share(shares, "tpot", Statistic::kMean).ours_ms, 10, 1e-9);
  EXPECT_NEAR(find_share(shares, "tpot", Statistic::kMean).kernels_ms, 10 - 0.15 * 40 / 8, 1e-9);
  EXPECT_DOUBLE_EQ(find_share(shares, "ttft", Statistic::kMean).kernels_ms, 20);
}

// The kernel had the first token 40 ms before our stamp, and three more in the 30 ms after it: its
// one arrival for the four is the last one's.
TEST(ClientShares, TakeTheFirstTokenOutOfWhatAStallHasMerged) {
  auto records = on_time();
  for (RequestRecord& record : records) {
    record.first_token = record.first_answer_token = *record.sent + from_ms(60);
    record.first_token_delay = record.first_answer_token_delay = from_ms(10);
    record.first_token_merged = 3;
    record.chunks = 9;
    record.last_token = *record.sent + from_ms(100);
  }
  const auto shares = client_shares(records, LatencyOrigin::kSent);
  EXPECT_NEAR(find_share(shares, "ttft", Statistic::kP50).ours_ms, 60, 1e-9);
  EXPECT_NEAR(find_share(shares, "ttft", Statistic::kP50).kernels_ms, 20, 1e-9);
  EXPECT_NEAR(find_share(shares, "ttfo", Statistic::kMean).kernels_ms, 20, 1e-9);
  for (RequestRecord& record : records) record.chunks = 4;  // nothing came after it
  const auto buffered = client_shares(records, LatencyOrigin::kSent);
  EXPECT_NEAR(find_share(buffered, "ttft", Statistic::kP50).kernels_ms, 50, 1e-9);
}

TEST(ClientShares, NeedTheArrivalsOfNearlyAllRequests) {
  auto records = on_time();
  for (size_t i = 0; i < 11; ++i) records[i].first_token_delay.reset();
  const auto shares = client_shares(records, LatencyOrigin::kSent);
  const auto has = [&](const char* key) {
    return std::any_of(shares.begin(), shares.end(), [&](const ClientShare& share) {
      return share.measure.quantity->key == key;
    });
  };
  EXPECT_TRUE(has("e2e") && has("ttfo"));
  EXPECT_FALSE(has("ttft") || has("tpot"));
  EXPECT_TRUE(client_shares({}, LatencyOrigin::kSent).empty());
}

TEST(JudgeLevel, DoubtsWhatOnlyThePooledRequestsHave) {
  LevelStats level = testing::level_of(8, 1500, {1500, 1500});
  ClientShare share = share_of("e2e", 3000, 2000);
  share.measure.statistic = Statistic::kP99;
  const std::vector<ClientShare> shares = {share};
  judge_level(level, {.point = at_concurrency(8), .shares = shares});
  EXPECT_EQ(level.pooled.validity, (Validity{{"e2e:p99", {InvalidReason::kClientDelay}}}));
  EXPECT_TRUE(level.pooled.valid);
  LevelStats judged_by_runs = testing::level_of(8, 1500, {1500, 1500});
  for (RunStats& run : judged_by_runs.runs) run.e2e.p99 = 2000;
  judge_level(judged_by_runs, {.point = at_concurrency(8), .shares = shares});
  EXPECT_TRUE(judged_by_runs.pooled.validity.empty());
}

TEST(JudgeLevel, WantsEnoughRequestsForEveryTargetsStatistic) {
  const auto judge = [](int64_t count, Statistic statistic) {
    LevelStats level = testing::level_of(8, 1500, {1500, 1500});
    level.pooled.e2e.count = count;
    const std::vector<Target> targets{{.statistic = statistic, .max = seconds(15)}};
    judge_level(level, {.point = at_concurrency(8), .targets = targets});
    return level.pooled;
  };
  EXPECT_TRUE(judge(300, Statistic::kP99).valid);
  expect_only(judge(299, Statistic::kP99), InvalidReason::kTooFewRequests);
  expect_only(judge(19, Statistic::kP95), InvalidReason::kTooFewRequests);
  expect_only(judge(9, Statistic::kP90), InvalidReason::kTooFewRequests);
  EXPECT_TRUE(judge(1, Statistic::kP50).valid);
  expect_only(judge(0, Statistic::kP50), InvalidReason::kTooFewRequests);
}

TEST(JudgeLevel, WarnsOfASingleRepeatOnce) {
  LevelStats level = testing::level_of(8, 1500, {1500});
  judge_level(level, {.point = at_concurrency(8)});
  judge_level(level, {.point = at_concurrency(8)});
  EXPECT_EQ(level.pooled.warnings, std::vector{Warning::kOneRepeat});
  LevelStats two = testing::level_of(8, 1500, {1500, 1500});
  judge_level(two, {.point = at_concurrency(8)});
  EXPECT_TRUE(two.pooled.warnings.empty());
}

template <class Enum>
void expect_texts() {
  std::set<std::string_view> sentences;
  for (Enum value : all_values<Enum>()) {
    EXPECT_TRUE(sentences.insert(sentence(value)).second) << name_of(value);
    for (std::string_view text : {sentence(value), remedy(value)}) {
      ASSERT_FALSE(text.empty()) << name_of(value);
      EXPECT_EQ(text.back(), '.') << text;
    }
  }
}

TEST(Validity, HasASentenceAndARemedyForEveryReasonAndWarning) {
  expect_texts<InvalidReason>();
  expect_texts<Warning>();
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/stats/server_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace llmsweep {
namespace {

using Figure = ServerFigure;
using Kind = ServerFindingKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Of one run: counters over its window, gauges as means that are their largest.
using Figures = std::map<Figure, double>;

RunStats run_with(const Figures& figures, int repeat = 0) {
  RunStats run;
  run.repeat = repeat;
  RunTelemetry& telemetry = run.telemetry.emplace();
  telemetry.window_s = 60;
  for (const auto& [figure, value] : figures) {
    FigureReading reading{.figure = figure, .missing = {}};
    if (traits_of(figure).counter) {
      reading.window = value;
    } else {
      reading.mean = reading.max = value;
      reading.samples = 10;
    }
    telemetry.figures.push_back(reading);
  }
  return run;
}

LevelStats level_with(int concurrency, const Figures& figures, double ttft_ms = 100) {
  LevelStats level;
  level.point = at_concurrency(concurrency);
  level.pooled.ttft.mean = ttft_ms;
  level.runs = {run_with(figures)};
  return level;
}

std::vector<Kind> kinds_of(const LevelStats& level, const std::vector<LevelStats>& others = {}) {
  std::vector<LevelStats> levels = others;
  levels.push_back(level);
  std::vector<Kind> kinds;
  for (const ServerFinding& finding : server_findings(level, levels)) {
    kinds.push_back(finding.kind);
  }
  return kinds;
}

std::string only_text(const LevelStats& level, const std::vector<LevelStats>& others = {}) {
  std::vector<LevelStats> levels = others;
  levels.push_back(level);
  const std::vector<ServerFinding> findings = server_findings(level, levels);
  return findings.size() == 1 ? findings[0].text : std::to_string(findings.size()) + " findings";
}

TEST(ServerFindings, OfAServerThatSaysNothingAreNone) {
  EXPECT_THAT(kinds_of(LevelStats{.point = at_concurrency(8)}), IsEmpty());
  EXPECT_THAT(kinds_of(level_with(8, {})), IsEmpty());
}

TEST(ServerFindings, OfAnIdleServerAreNone) {
  EXPECT_THAT(kinds_of(level_with(8, {{Figure::kRunning, 8},
                                      {Figure::kWaiting, 0},
                                      {Figure::kKvUsed, 0.4},
                                      {Figure::kFinished, 80},
                                      {Figure::kPreemptions, 0},
                                      {Figure::kQueueSeconds, 0.1},
                                      {Figure::kQueueCount, 80},
                                      {Figure::kTtftSeconds, 7.8},
                                      {Figure::kTtftCount, 80},
                                      {Figure::kPrefixQueries, 8000},
                                      {Figure::kPrefixHits, 300},
                                      {Figure::kGpuBusy, 0.9}})),
              IsEmpty());
}

TEST(ServerFindings, SayThatSomebodyElseWasServed) {
  LevelStats level = level_with(8, {});
  level.runs[0].telemetry->foreign = ForeignTraffic{.tokens_share = 0.021, .found = true};
  EXPECT_EQ(only_text(level),
            "somebody else was served: the server generated 2.1 % more tokens than came here");
  level.runs[0].telemetry->foreign->found = false;
  EXPECT_THAT(kinds_of(level), IsEmpty());
  level.runs[0].telemetry->foreign =
      ForeignTraffic{.tokens_share = -0.5, .requests_share = 0.1, .found = true};
  EXPECT_THAT(only_text(level), HasSubstr("ended 10 % more requests than we sent"));
  level.runs[0].telemetry->foreign = ForeignTraffic{.our_requests = 200,
                                                    .tokens_share = 0.004,
                                                    .requests_share = -0.02,
                                                    .requests_of_others = 6,
                                                    .found = true};
  EXPECT_THAT(only_text(level), HasSubstr("ended 3.0 % more requests than we sent"));
}

TEST(ServerFindings, SayThatReadingTheServersPageDelaysChunks) {
  LevelStats level = level_with(8, {});
  // 2.9 ms is t of 0.995 and 12 degrees times the standard error of two runs together.
  const auto influence = [](double met_ms, double busy) {
    return ScrapeInfluence{.pages = 7,
                           .busy_fraction = busy,
                           .gaps = 56,
                           .gap_ms = 8,
                           .expected_ms = 9,
                           .met_ms = met_ms,
                           .standard_error_ms = 1.35};
  };
  const auto each_run = [&](double met_ms, double busy) {
    level.runs[0].telemetry->influence = influence(met_ms, busy);
    level.runs.resize(1);
    level.runs.push_back(level.runs[0]);
  };
  each_run(23.2, 0.004);
  EXPECT_EQ(only_text(level),
            "while its page of metrics was read, 0.4 % of the time, gaps between chunks were "
            "longer by 14.2 ms");
  each_run(9 + 2.8, 0.004);
  EXPECT_THAT(kinds_of(level), IsEmpty());
  each_run(9 + 3.0, 0.004);
  EXPECT_THAT(kinds_of(level), ElementsAre(Kind::kScraping));
  each_run(2, 0.02);
  EXPECT_EQ(only_text(level), "its page of metrics was being read for 2.0 % of the time");
  level.runs[0].telemetry->influence->standard_error_ms.reset();
  level.runs[1].telemetry->influence.reset();
  EXPECT_THAT(kinds_of(level), IsEmpty()) << "one page is no sign";
}

TEST(ServerFindings, SayThatRequestsWerePreempted) {
  EXPECT_EQ(only_text(level_with(
                8, {{Figure::kKvUsed, 0.99}, {Figure::kFinished, 200}, {Figure::kPreemptions, 8}})),
            "the KV cache was up to 99 % full, and 4.0 of 100 requests were preempted and computed "
            "again");
  // Full is no harm by itself; it is where requests wait for it.
  EXPECT_THAT(kinds_of(level_with(8, {{Figure::kKvUsed, 0.99}, {Figure::kWaiting, 0}})), IsEmpty());
  EXPECT_THAT(kinds_of(level_with(100, {{Figure::kKvUsed, 0.96}, {Figure::kWaiting, 3}})),
              ElementsAre(Kind::kKvFull));
}

TEST(ServerFindings, SayHowMuchOfTtftIsQueue) {
  const Figures queued = {{Figure::kQueueSeconds, 48.8}, {Figure::kQueueCount, 80}};
  EXPECT_EQ(only_text(level_with(8, queued, 840)),
            "of 840 ms mean TTFT 610 ms were spent in the server's queue");
  EXPECT_THAT(kinds_of(level_with(8, queued, 6200)), IsEmpty());  // under a tenth
  EXPECT_THAT(
      kinds_of(level_with(8, {{Figure::kQueueSeconds, 0.7}, {Figure::kQueueCount, 80}}, 10)),
      IsEmpty());
  EXPECT_EQ(only_text(level_with(100, {{Figure::kWaiting, 5}})),
            "5 of 100 requests waited on average");
  EXPECT_THAT(kinds_of(level_with(100, {{Figure::kWaiting, 4.9}})), IsEmpty());
}

TEST(ServerFindings, SayOfARateHowManyWaitedAndOfNoConcurrency) {
  LevelStats level = level_with(1, {{Figure::kWaiting, 136.7}});
  level.point = at_rate(53.1);
  EXPECT_EQ(only_text(level), "137 requests waited on average");
}

TEST(ServerFindings, SayThatTheBatchIsAsLargeAsItGets) {
  const LevelStats below = level_with(320, {{Figure::kRunning, 256}});
  const LevelStats above = level_with(512, {{Figure::kRunning, 256}});
  EXPECT_EQ(only_text(above, {below}),
            "the server ran at most 256 of 512 requests at once: above, they queue");
  EXPECT_EQ(kinds_of(below, {above}), std::vector{Kind::kAdmissionCap});
  EXPECT_THAT(kinds_of(above), IsEmpty());  // one level alone may only not have been fed
  EXPECT_THAT(kinds_of(above, {level_with(256, {{Figure::kRunning, 128}})}), IsEmpty());
  EXPECT_EQ(kinds_of(above, {level_with(256, {{Figure::kRunning, 256}})}),
            std::vector{Kind::kAdmissionCap});
}

TEST(ServerFindings, SayThatClocksWereHeldDown) {
  EXPECT_EQ(only_text(level_with(8, {{Figure::kGpuPowerCap, 6}})),
            "the GPUs' clocks were held down by their power limit for 10 % of the time");
  EXPECT_THAT(only_text(level_with(8, {{Figure::kGpuThermalCap, 0.9}})), HasSubstr("by heat"));
  EXPECT_THAT(kinds_of(level_with(8, {{Figure::kGpuPowerCap, 0.5}})), IsEmpty());
  LevelStats slower = level_with(8, {{Figure::kGpuClock, 1980}});
  slower.runs.push_back(run_with({{Figure::kGpuClock, 1900}}, 1));
  EXPECT_EQ(only_text(slower), "the GPUs' clock was 1900 MHz in repeat 2, 1980 MHz in the first");
}

TEST(ServerFindings, SayThatTheGpusIdleWhileRequestsWait) {
  EXPECT_EQ(kinds_of(level_with(100, {{Figure::kGpuBusy, 0.4}, {Figure::kWaiting, 3}})),
            std::vector{Kind::kGpuIdle});
  EXPECT_THAT(kinds_of(level_with(100, {{Figure::kGpuBusy, 0.4}, {Figure::kWaiting, 0}})),
              IsEmpty());
}

TEST(ServerFindings, SayWhatPassesOutsideTheEngine) {
  const Figures inside = {{Figure::kTtftSeconds, 62.4}, {Figure::kTtftCount, 80}};
  EXPECT_EQ(only_text(level_with(8, inside, 840)),
            "of 840 ms mean TTFT 60.0 ms passed outside the engine: network, proxy or the server's "
            "front end");
  EXPECT_THAT(kinds_of(level_with(8, inside, 820)), IsEmpty());
  EXPECT_THAT(kinds_of(level_with(8, {{Figure::kTtftSeconds, 0.08}, {Figure::kTtftCount, 80}}, 2)),
              IsEmpty());
}

TEST(ServerFindings, SayWhatCameFromThePrefixCache) {
  EXPECT_EQ(only_text(level_with(8, {{Figure::kPrefixQueries, 1000}, {Figure::kPrefixHits, 380}})),
            "38 % of the prompt tokens came from the prefix cache");
  EXPECT_THAT(only_text(level_with(8, {{Figure::kPromptTokens, 1000}, {Figure::kPrefixHits, 60}})),
              HasSubstr("6.0 %"));
}

TEST(ServerFindings, SayHowManyDraftsWereAcceptedWhereLevelsDiffer) {
  const auto drafting = [](int concurrency, double accepted) {
    return level_with(concurrency, {{Figure::kDrafts, 1000},
                                    {Figure::kDraftTokens, 1000},
                                    {Figure::kAcceptedTokens, accepted}});
  };
  EXPECT_EQ(only_text(drafting(8, 848)),
            "85 % of the drafted tokens were accepted: 1.85 tokens a step");
  EXPECT_THAT(kinds_of(drafting(8, 848), {drafting(16, 840)}), IsEmpty());
  EXPECT_EQ(kinds_of(drafting(8, 848), {drafting(16, 700)}), std::vector{Kind::kSpeculation});
}

TEST(ServerFindings, AreThreeAtMost) {
  LevelStats level = level_with(100, {{Figure::kKvUsed, 0.99},
                                      {Figure::kWaiting, 30},
                                      {Figure::kGpuBusy, 0.2},
                                      {Figure::kGpuPowerCap, 6},
                                      {Figure::kPrefixQueries, 10},
                                      {Figure::kPrefixHits, 9}});
  EXPECT_THAT(kinds_of(level), ElementsAre(Kind::kKvFull, Kind::kQueueing, Kind::kThrottling));
}

TEST(ServerDifferences, SayWhatOneServerDoesAndTheOtherDoesNot) {
  const LevelStats none = level_with(8, {{Figure::kFinished, 100}, {Figure::kPreemptions, 0}});
  const LevelStats some = level_with(8, {{Figure::kFinished, 100}, {Figure::kPreemptions, 4}});
  EXPECT_THAT(server_differences(none, some),
              ElementsAre("preempts 4.0 of 100 requests, the baseline none"));
  EXPECT_THAT(server_differences(some, none),
              ElementsAre("preempts none, the baseline 4.0 of 100 requests"));
  EXPECT_THAT(server_differences(none, none), IsEmpty());
  EXPECT_THAT(server_differences(level_with(8, {}), some), IsEmpty());
  EXPECT_THAT(server_differences(LevelStats{}, some), IsEmpty());
}

RequestRecord timed(int ttft_ms, int decode_ms, std::optional<int64_t> prefill_us) {
  RequestRecord record;
  record.sent = from_ns(0);
  record.first_token = *record.sent + std::chrono::milliseconds(ttft_ms);
  record.last_token = *record.first_token + std::chrono::milliseconds(decode_ms);
  record.server_prefill_us = prefill_us;
  if (prefill_us) record.server_decode_us = int64_t{1000} * decode_ms - 500;
  return record;
}

TEST(AnswerTimes, AreTheServersBesideOurs) {
  EXPECT_EQ(answer_times({}), std::nullopt);
  const std::vector<RequestRecord> silent = {timed(50, 100, {})};
  EXPECT_EQ(answer_times(silent), std::nullopt);
  std::vector<RequestRecord> records = {timed(50, 100, 20000), timed(60, 120, 30000),
                                        timed(90, 140, 40000), timed(70, 100, {})};
  records.push_back(timed(1, 1, 1));
  records.back().phase = Phase::kWarmup;
  const std::optional<AnswerTimes> times = answer_times(records);
  ASSERT_TRUE(times);
  EXPECT_EQ(times->requests, 3);
  EXPECT_EQ(times->prefill_p50_ms, 30);
  EXPECT_EQ(times->before_prefill_p50_ms, 30);
  EXPECT_DOUBLE_EQ(times->decode_p50_ms.value(), 119.5);
  EXPECT_DOUBLE_EQ(times->decode_differs_p50_ms.value(), 0.5);
}

}  // namespace
}  // namespace llmsweep

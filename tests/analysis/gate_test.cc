#include "llmsweep/analysis/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/make_result.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/spending.h"

namespace llmsweep {
namespace {

using testing::e2e_target;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_result;
using namespace std::chrono_literals;

constexpr auto kPass = GateOutcome::kPass;
constexpr auto kFail = GateOutcome::kFail;
constexpr auto kInconclusive = GateOutcome::kInconclusive;
constexpr auto kInvalid = GateOutcome::kInvalid;

GatePolicy require(const std::string& rule) {
  return {.rules = {parse_require(rule)}};
}
GatePolicy no_worse(const std::string& rule) {
  return {.rules = {parse_no_worse(rule)}};
}
GateLine line_of(const SweepResult& result, const std::string& rule) {
  return gate(result, nullptr, require(rule)).lines.front();
}
GateLine line_of(const SweepResult& result, SweepResult baseline, const std::string& rule) {
  if (baseline.created_at == result.created_at) baseline.created_at = "2026-11-29T00:59:59Z";
  return gate(result, &baseline, no_worse(rule)).lines.front();
}

SweepResult measured() {
  return make_result(
      "r", 4, {{1, {5790, 5801, 5815}}, {8, {11900, 12000, 12050}}, {16, {19000, 19100, 19200}}});
}

TEST(Gate, DecidesALatencyByItsOneSidedIntervalBetweenRuns) {
  const SweepResult result = measured();
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 15s").outcome, kPass);
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 12s").outcome, kInconclusive);
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 11s").outcome, kFail);
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 11.9s tolerance 3%").outcome, kPass);
  EXPECT_EQ(line_of(result, "e2e:mean@c8 <= 15s").outcome, kPass);
  EXPECT_EQ(line_of(result, "e2e:p99@c8 <= 12s").outcome, kFail);
}

TEST(Gate, RefusesAFigureThatTheClientMayHaveMadeAndNotTheLevel) {
  SweepResult result = measured();
  result.levels[1].pooled.validity = {{"ttft:p50", {InvalidReason::kClientDelay}}};
  const GateLine line = line_of(result, "ttft:p50@c8 <= 100s");
  EXPECT_EQ(line.outcome, kInvalid);
  EXPECT_THAT(line.why, HasSubstr("no sound figure for it: The client was late"));
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 15s").outcome, kPass);
  EXPECT_EQ(line_of(result, "ttft:p50@c1 <= 100s").outcome, kPass);
  EXPECT_EQ(line_of(measured(), result, "ttft@c8 by 50%").outcome, kInvalid);
}

TEST(Gate, RefusesOnlyWhatTheReasonOfAnInvalidLevelSpeaksAgainst) {
  SweepResult result = measured();
  RunStats& pooled = result.levels[1].pooled;
  pooled.valid = false;
  pooled.requests.failed = 1;
  pooled.validity = {{"ttft:p50", {InvalidReason::kClientDelay}}};
  pooled.invalid_reasons = {InvalidReason::kClientDelay};
  EXPECT_THAT(line_of(result, "ttft:p50@c8 <= 100s").why, HasSubstr("no sound figure for it"));
  EXPECT_EQ(line_of(result, "ttft:p99@c8 <= 100s").outcome, kPass);
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 15s").outcome, kPass);
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1").outcome, kPass);
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").outcome, kPass);
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s >= 8").outcome, kPass);
  EXPECT_EQ(line_of(result, "users@ttft:p50:700ms >= 8").outcome, kInconclusive);
  EXPECT_EQ(line_of(measured(), result, "e2e@c8 by 3%").outcome, kPass);
  EXPECT_EQ(line_of(measured(), result, "ttft@c8 by 3%").outcome, kInvalid);

  pooled.invalid_reasons = {InvalidReason::kClientDelay, InvalidReason::kConcurrencyOff};
  EXPECT_THAT(line_of(result, "e2e:p50@c8 <= 15s").why, HasSubstr("is invalid: The achieved"));
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").outcome, kInvalid);
}

TEST(Gate, OfSeveralLimitsTheWorstDecides) {
  SweepResult result = measured();
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s+decode_speed:p50:100 >= 8").outcome, kPass);
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s+decode_speed:p50:1000 >= 8").outcome, kFail);
  EXPECT_EQ(line_of(result, "users@e2e:p50:1s+decode_speed:p50:100 >= 8").outcome, kFail);
  result.levels[1].pooled.validity = {{"tpot:p50", {InvalidReason::kClientDelay}}};
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s >= 8").outcome, kPass);
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s+decode_speed:p50:100 >= 8").outcome, kInconclusive)
      << "no level that carries them says both";
}

TEST(Gate, RefusesTheStatisticThatTooFewRequestsCompletedFor) {
  SweepResult result = measured();
  RunStats& pooled = result.levels[1].pooled;
  pooled.valid = false;
  pooled.invalid_reasons = {InvalidReason::kTooFewRequests};
  pooled.e2e.count = 299;
  EXPECT_EQ(line_of(result, "e2e:p99@c8 <= 1h").outcome, kInvalid);
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 1h").outcome, kPass);
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1").outcome, kPass);
  result.levels[1].runs[2].e2e.count = 0;  // nothing is known of a run
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 1h").outcome, kInvalid);
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1").outcome, kInvalid);
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").outcome, kPass);
}

// By hand: logs of {11900, 12000, 12050}, s = 0.006384, t(2, 0.95) = 2.91999, half 0.010762.
TEST(Gate, HasStudentsBoundsOfTheLogMedians) {
  const GateLine line = line_of(measured(), "e2e:p50@c8 <= 15s");
  const double point = std::cbrt(11900.0 * 12000 * 12050);
  EXPECT_NEAR(*line.measured, point, 1e-6);
  EXPECT_NEAR(std::log(line.bounds->high / point), 0.010762, 5e-5);
  EXPECT_NEAR(std::log(point / line.bounds->low), 0.010762, 5e-5);
  EXPECT_NEAR(*line.margin, (15000 - point) / 15000, 1e-9);
  EXPECT_EQ(line.repeats, 3);
}

TEST(Gate, DecidesWhatShouldBeHighFromTheOtherSide) {
  const SweepResult result = measured();  // level 8: about 1,068 tokens/s
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1000").outcome, kPass);
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1068").outcome, kInconclusive);
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1200").outcome, kFail);
  EXPECT_EQ(line_of(result, "throughput@c8 >= 1080 tolerance 5%").outcome, kPass);
  EXPECT_EQ(line_of(result, "output_speed@c1 >= 200").outcome, kPass);
  EXPECT_EQ(line_of(result, "request_throughput@c8 >= 0.5").outcome, kPass);
  EXPECT_EQ(line_of(result, "goodput@c8 >= 95%").outcome, kPass);
  EXPECT_EQ(line_of(result, "goodput@c8 >= 99%").outcome, kFail);
}

TEST(Gate, LetsNoRuleOnTokensPassWhereTheseAreEstimated) {
  SweepResult result = measured();
  for (LevelStats& level : result.levels) level.pooled.token_count_estimated = true;
  for (const char* rule :
       {"throughput@c8 >= 1", "output_throughput@c8 >= 1", "throughput_per_gpu@c8 >= 1",
        "output_speed@c1 >= 1", "decode_speed@c1 >= 1", "tpot:p50@c8 <= 1h", "itl:p50@c8 <= 1h"}) {
    const GateLine line = line_of(result, rule);
    EXPECT_EQ(line.outcome, kInvalid) << rule;
    EXPECT_THAT(line.why, HasSubstr("cannot carry a rule on tokens")) << rule;
  }
  for (const char* rule : {"e2e:p50@c8 <= 1h", "ttft:p50@c8 <= 1h", "icl:p50@c8 <= 1h",
                           "request_throughput@c8 >= 0.1", "error_rate@all <= 1%"}) {
    EXPECT_EQ(line_of(result, rule).outcome, kPass) << rule;
  }
}

TEST(Gate, IsInvalidWheneverSomethingIsMissingOrInvalid) {
  SweepResult result = measured();
  EXPECT_EQ(line_of(result, "e2e:p50@c32 <= 15s").outcome, kInvalid);
  EXPECT_EQ(line_of(result, "quality:GPQA >= 0.5").outcome, kInvalid);
  EXPECT_EQ(gate(result, nullptr, no_worse("e2e@c8 by 3%")).outcome, kInvalid);
  EXPECT_EQ(gate(result, nullptr, no_worse("users@e2e:p50:15s by 3%")).outcome, kInvalid);
  EXPECT_EQ(gate(result, nullptr, no_worse("quality:x by 3%")).outcome, kInvalid);

  SweepResult no_levels = result;
  no_levels.levels.clear();
  EXPECT_EQ(line_of(no_levels, "e2e:p50@all <= 15s").outcome, kInvalid);
  EXPECT_EQ(line_of(no_levels, "users@e2e:p50:15s >= 1").outcome, kInvalid);

  SweepResult no_gpus = result;
  no_gpus.system.gpus = 0;
  EXPECT_EQ(line_of(no_gpus, "users_per_gpu@e2e:p50:15s >= 1").outcome, kInvalid);

  for (const InvalidReason reason : all_values<InvalidReason>()) {
    SweepResult broken = result;
    broken.levels[1].pooled.valid = false;
    broken.levels[1].pooled.invalid_reasons = {reason};
    broken.levels[1].pooled.e2e.count = 0;  // which too few requests speak of
    for (const char* rule : {"e2e:p50@c8 <= 1h", "throughput@c8 >= 1", "goodput@c8 >= 1%"}) {
      const GateLine line = line_of(broken, rule);
      EXPECT_EQ(line.outcome, kInvalid) << name_of(reason) << " " << rule;
      EXPECT_FALSE(line.why.empty());
      EXPECT_FALSE(line.next.empty());
    }
    EXPECT_EQ(line_of(result, broken, "e2e:p50@c8 by 100%").outcome, kInvalid);
    EXPECT_EQ(line_of(broken, result, "e2e:p50@c8 by 100%").outcome, kInvalid);
  }
}

TEST(Gate, IsInvalidForEveryFigureThatALevelDoesNotHold) {
  SweepResult result = make_result("r", 4, {{8, {100, 101}}});
  LevelStats& level = result.levels[0];
  for (RunStats* run : {&level.pooled, &level.runs[0], &level.runs[1]}) {
    const RequestCounts requests = run->requests;
    *run = RunStats{.requests = requests};
  }
  for (const char* rule :
       {"e2e@c8 <= 1h", "e2e:p99@c8 <= 1h", "ttft@c8 <= 1h", "ttfo@c8 <= 1h", "tpot@c8 <= 1h",
        "itl@c8 <= 1h", "icl@c8 <= 1h", "e2e:mean@c8 <= 1h", "throughput@c8 >= 1e-9",
        "output_throughput@c8 >= 1e-9", "steady_throughput@c8 >= 1e-9",
        "throughput_per_gpu@c8 >= 1e-9", "request_throughput@c8 >= 1e-9", "output_speed@c8 >= 1e-9",
        "decode_speed@c8 >= 1e-9", "goodput@c8 >= 1%", "goodput_rps@c8 >= 1e-9",
        "users@e2e:p50:1h >= 1"}) {
    EXPECT_EQ(line_of(result, rule).outcome, kInvalid) << rule;
  }
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").outcome, kPass);
  level.pooled.requests = {};
  for (RunStats& run : level.runs) run.requests = {};
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").outcome, kInvalid);
}

TEST(Gate, IsInvalidWithoutACompletedRequest) {
  SweepResult result = measured();
  result.levels[1].pooled.requests.completed = 0;
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 15s").outcome, kInvalid);
}

TEST(Gate, IsInvalidForAPercentileWithTooFewSamples) {
  SweepResult result = measured();
  LevelStats& level = result.levels[1];
  level.pooled.e2e.p99.reset();
  for (RunStats& run : level.runs) run.e2e.p99.reset();
  const GateLine line = line_of(result, "e2e:p99@c8 <= 1h");
  EXPECT_EQ(line.outcome, kInvalid);
  EXPECT_THAT(line.next, HasSubstr("300"));
}

// 900, 905 and none ms, of all requests 1,500 ms.
TEST(Gate, NeverDropsARunThatLacksTheStatistic) {
  SweepResult result = make_result("r", 4, {{8, {900, 905, 1500}}});
  RunStats& last = result.levels[0].runs[2];
  last.e2e.p99.reset();
  last.e2e.count = 299;
  const GateLine line = line_of(result, "e2e:p99@c8 <= 1200ms");
  EXPECT_EQ(line.outcome, kInvalid);
  EXPECT_THAT(line.why, HasSubstr("in the result, 1 of 3 repeats has no p99 e2e: repeat 3 has 299 "
                                  "of 300 samples, 1 is missing"));
  EXPECT_THAT(line_of(measured(), result, "e2e:p99@c8 by 10%").why, HasSubstr("in the baseline"));
  EXPECT_EQ(line_of(result, "users@e2e:p99:10s >= 8").outcome, kInvalid);
  EXPECT_EQ(line_of(result, "e2e:p50@c8 <= 12s").outcome, kPass);
  for (RunStats& run : result.levels[0].runs) run.e2e.p99.reset();
  EXPECT_THAT(line_of(result, "e2e:p99@c8 <= 12s").why, HasSubstr("3 of 3 repeats have no p99"));
  for (RunStats& run : result.levels[0].runs) run.tpot = {};
  EXPECT_THAT(line_of(result, "tpot@c8 <= 12s").why,
              HasSubstr("3 of 3 repeats have no p50 tpot: repeat 1; repeat 2; repeat 3"));
}

TEST(Gate, RefusesTheResultItselfAsItsBaseline) {
  SweepResult result = measured();
  result.created_at = "2026-11-29T01:02:03Z";
  SweepResult copy = result;
  copy.name = "copy";
  try {
    gate(result, &copy, no_worse("e2e:p50@c8 by 3%"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'copy' is the same measurement as the result 'r'"));
  }
  copy.created_at = "2026-11-29T01:02:04Z";
  EXPECT_EQ(gate(result, &copy, no_worse("e2e:p50@c8 by 3%")).outcome, kPass);
}

TEST(Gate, NamesUnlikeRequestsAndWhatTheLevelsWarnOf) {
  SweepResult result = measured(), base = measured();
  result.spec_json = R"({"endpoint": {"api": "chat"}})";
  base.spec_json = R"({"endpoint": {"api": "completions"}})";
  base.simulated = result.simulated = true;
  base.levels[0].pooled.warnings = {Warning::kOtherModel};
  result.levels[1].pooled.validity = {{"ttft:p50", {InvalidReason::kClientDelay}}};
  const GateReport report = gate(result, &base, no_worse("e2e:p50@c8 by 3%"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("unlike in api: completions against chat"),
                                        HasSubstr("'r' is SIMULATED"), HasSubstr("'r' at c1: "),
                                        HasSubstr("'r' at c8: ttft:p50 is not valid")));
  for (LevelStats& level : result.levels) {
    level.pooled.input_tokens_mean = 2400;
    level.pooled.cached_tokens_mean = 2376;
  }
  for (LevelStats& level : base.levels) level.pooled.input_tokens_mean = 2400;
  const GateLine line = line_of(result, base, "e2e:p50@c8 by 50%");
  EXPECT_EQ(line.outcome, kInvalid);
  EXPECT_THAT(line.why, HasSubstr("cached_input (0 % in the baseline, 99 % here)"));
}

TEST(Gate, NamesTheLevelsThereAreWhereOneIsMissing) {
  const GateLine line = line_of(measured(), "e2e:p50@c32 <= 15s");
  EXPECT_THAT(line.why, HasSubstr("no level at concurrency 32"));
  EXPECT_THAT(line.next, HasSubstr("c1, c8, c16"));
}

TEST(Gate, WidensOneRunByAnAssumedNoise) {
  const SweepResult one = make_result("r", 4, {{8, {12000}}});
  const GateLine line = line_of(one, "e2e:p50@c8 <= 12.2s");
  EXPECT_EQ(line.outcome, kInconclusive);
  EXPECT_THAT(line.basis, HasSubstr("one run"));
  EXPECT_THAT(line.basis, HasSubstr("assumed 2"));
  // within-run ±0.5 %, assumed 1.645 · ln 1.02
  EXPECT_NEAR(std::log(line.bounds->high / 12000), std::hypot(std::log(1.005), 0.032573), 1e-5);
  EXPECT_EQ(line_of(one, "e2e:p50@c8 <= 13s").outcome, kPass);
  EXPECT_EQ(line_of(one, "e2e:p50@c8 <= 11s").outcome, kFail);
  // A tail has more noise: 13,200 ms of p90 is 3.8 % below.
  EXPECT_EQ(line_of(one, "e2e:p90@c8 <= 13.7s").outcome, kInconclusive);
  EXPECT_THAT(line.next, HasSubstr("load.repeats"));
}

TEST(Gate, DecidesNoWorseOnTheRatioAndNeverFailsAFasterSystem) {
  const SweepResult base = measured();
  const SweepResult slower = make_result("s", 4, {{8, {13000, 13100, 13050}}});
  const SweepResult faster = make_result("f", 4, {{8, {9000, 9100, 9050}}});
  EXPECT_EQ(line_of(base, base, "e2e:p50@c8 by 3%").outcome, kPass);
  EXPECT_EQ(line_of(base, base, "e2e:p50@c8 by 0%").outcome, kInconclusive);
  EXPECT_EQ(line_of(slower, base, "e2e:p50@c8 by 3%").outcome, kFail);
  EXPECT_EQ(line_of(slower, base, "throughput@c8 by 3%").outcome, kFail);
  EXPECT_EQ(line_of(faster, base, "e2e:p50@c8 by 0%").outcome, kPass);
  EXPECT_EQ(line_of(faster, base, "throughput_per_gpu@c8 by 0%").outcome, kPass);
  const GateLine line = line_of(slower, base, "e2e:p50@c8 by 3%");
  EXPECT_EQ(line.unit, "ratio");
  EXPECT_NEAR(*line.measured, *line.candidate / *line.baseline, 1e-12);
  EXPECT_DOUBLE_EQ(line.limit, 1.03);
}

TEST(Gate, ComparesWithABaselineOfOneRun) {
  const SweepResult base = make_result("b", 4, {{8, {12000}}});
  const SweepResult slower = make_result("s", 4, {{8, {14000, 14100, 14050}}});
  EXPECT_EQ(line_of(slower, base, "e2e:p50@c8 by 3%").outcome, kFail);
  EXPECT_EQ(line_of(base, base, "e2e:p50@c8 by 3%").outcome, kInconclusive);
  EXPECT_EQ(line_of(base, base, "e2e:p50@c8 by 10%").outcome, kPass);
}

// By hand: logs of {100, 102, 104} and {102, 104, 106}; SE 0.015859 of the runs, 0.01407 of the
// sessions: 0.021202, and 3.999 · (0.021202 ÷ 0.015859)^4 degrees.
TEST(Gate, AddsTheNoiseBetweenSessionsWhereTheBaselineIsOfAnother) {
  SweepResult base = make_result("b", 1, {{8, {100, 102, 104}}});
  const SweepResult result = make_result("r", 1, {{8, {102, 104, 106}}});
  const GateLine within = line_of(result, base, "e2e@c8 by 3%");
  EXPECT_THAT(within.basis, ::testing::Not(HasSubstr("session")));
  base.created_at = "2026-11-28T01:00:00Z";
  const GateLine between = line_of(result, base, "e2e@c8 by 3%");
  EXPECT_THAT(between.basis, HasSubstr("1 % of noise between sessions assumed (23 h apart)"));
  const double half = std::log(between.bounds->high / *between.measured);
  const double degrees = 3.999 * std::pow(0.021202 / 0.015859, 4);
  EXPECT_NEAR(half, student_quantile(0.95, degrees) * 0.021202, 5e-5);
  GatePolicy policy = no_worse("e2e@c8 by 3%");
  policy.session_noise = 0;
  EXPECT_EQ(gate(result, &base, policy).lines[0].bounds, within.bounds);
  SweepResult one = make_result("o", 1, {{8, {100}}});
  one.provenance.host = "another";
  EXPECT_THAT(line_of(result, one, "e2e@c8 by 3%").basis, HasSubstr("(on another host)"));
}

std::vector<SweepResult> nights(const std::vector<double>& e2e_ms) {
  std::vector<SweepResult> results;
  for (size_t i = 0; i < e2e_ms.size(); ++i) {
    results.push_back(make_result("n" + std::to_string(i), 1, {{8, {e2e_ms[i], e2e_ms[i]}}}));
    results.back().created_at = "2026-11-2" + std::to_string(i) + "T02:00:00Z";
  }
  return results;
}

// t(3, 0.95) is 2.3534; the figures of the nights have sd 0.02 in logs, and the result is one more.
TEST(Gate, MeasuresTheNoiseBetweenSessionsOnThreeBaselinesOrMore) {
  const double d = 0.02 * std::sqrt(0.75);
  const auto before =
      nights({100 * std::exp(-d), 100 * std::exp(d), 100 * std::exp(-d), 100 * std::exp(d)});
  const SweepResult result = make_result("r", 1, {{8, {103, 103}}});
  const GateLine line = gate(result, before, no_worse("e2e@c8 by 3%")).lines.front();
  EXPECT_EQ(line.outcome, kInconclusive);
  EXPECT_EQ(line.basis, "against 4 sessions, t on their logs");
  EXPECT_NEAR(*line.baseline, 100, 1e-9);
  EXPECT_NEAR(std::log(line.bounds->high / *line.measured), 2.3534 * 0.02 * std::sqrt(1.25), 1e-4);
  const SweepResult slow = make_result("s", 1, {{8, {112, 112}}});
  EXPECT_EQ(gate(slow, before, no_worse("e2e@c8 by 3%")).outcome, kFail);
  EXPECT_EQ(gate(result, before, no_worse("e2e@c8 by 12%")).outcome, kPass);
  EXPECT_EQ(gate(result, before, no_worse("e2e@c9 by 12%")).outcome, kInvalid);
  EXPECT_EQ(gate(result, before, no_worse("e2e@c8 by 3%")).baseline_name, "n0, n1, n2, n3");
  EXPECT_EQ(gate(result, before, no_worse("goodput@c8 by 3%")).outcome, kPass);
}

// Each is worse than the pinned nights by 3 % more than the one before.
TEST(Gate, DoesNotLetAFewPercentANightCreepPastPinnedBaselines) {
  const auto pinned = nights({100, 100.5, 99.5, 100.2, 99.8});
  std::vector<GateOutcome> outcomes;
  for (const double e2e_ms : {101.0, 103.0, 106.0, 109.0}) {
    const SweepResult tonight = make_result("t", 1, {{8, {e2e_ms, e2e_ms}}});
    outcomes.push_back(gate(tonight, pinned, no_worse("e2e@c8 by 3%")).outcome);
  }
  EXPECT_THAT(outcomes, ElementsAre(kPass, kInconclusive, kFail, kFail));
}

TEST(Gate, TakesTwoBaselinesByTheLastAndRefusesTwoOfOneSession) {
  const auto two = nights({100, 110});
  const SweepResult result = make_result("r", 1, {{8, {110, 110}}});
  const GateLine line = gate(result, two, no_worse("e2e@c8 by 5%")).lines.front();
  EXPECT_DOUBLE_EQ(*line.baseline, 110);
  EXPECT_THAT(line.basis, HasSubstr("noise between sessions assumed"));
  auto same = two;
  same[1].created_at = "2026-11-20T02:30:00Z";
  EXPECT_THROW(gate(result, same, no_worse("e2e@c8 by 5%")), Error);
}

TEST(Gate, RefusesABaselineOfAnotherWorkload) {
  const SweepResult result = measured();
  SweepResult base = measured();
  base.workload.seed = 99;
  const GateLine line = line_of(result, base, "e2e:p50@c8 by 50%");
  EXPECT_EQ(line.outcome, kInvalid);
  EXPECT_THAT(line.why, HasSubstr("seed"));
  GatePolicy policy = no_worse("e2e:p50@c8 by 50%");
  policy.allow_different = {"seed"};
  EXPECT_EQ(gate(result, &base, policy).outcome, kPass);
}

TEST(Gate, TakesTheErrorRateAsMeasured) {
  SweepResult result = measured();
  RunStats& pooled = result.levels[1].pooled;
  pooled.requests = {.completed = 990, .failed = 10};
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").outcome, kPass);
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 0.9%").outcome, kFail);
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 1%").why, "the value is not above the limit");
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 0.9%").why, "the value is above the limit");
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 0.9% tolerance 0.2%").outcome, kPass);
  pooled.valid = false;
  pooled.invalid_reasons = {InvalidReason::kErrors};
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 0.9%").outcome, kFail);
  pooled.invalid_reasons = {InvalidReason::kErrors, InvalidReason::kInterrupted};
  EXPECT_EQ(line_of(result, "error_rate@c8 <= 0.9%").outcome, kInvalid);
  SweepResult base = measured();
  pooled.valid = true;
  EXPECT_EQ(line_of(result, base, "error_rate@c8 by 1%").outcome, kPass);
  EXPECT_EQ(line_of(result, base, "error_rate@c8 by 0.5%").outcome, kFail);
}

TEST(Gate, DecidesUsersByTheLevelsThatCarryThem) {
  const SweepResult result = measured();  // 4 GPUs; 8 pass 15 s, 16 miss it
  EXPECT_EQ(line_of(result, "users_per_gpu@e2e:p50:15s >= 2").outcome, kPass);
  EXPECT_EQ(line_of(result, "users_per_gpu@e2e:p50:15s >= 2").unit, "users per GPU");
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s >= 8").outcome, kPass);
  EXPECT_EQ(line_of(result, "users_per_gpu@e2e:p50:15s >= 4").outcome, kFail);
  EXPECT_EQ(line_of(result, "users_per_gpu@e2e:p50:15s >= 2.25 tolerance 13%").outcome, kPass);
  const GateLine between = line_of(result, "users@e2e:p50:15s >= 10");
  EXPECT_EQ(between.outcome, kInconclusive);
  EXPECT_THAT(between.next, HasSubstr("add 10"));
  EXPECT_FALSE(between.more_repeats_help);
  const GateLine beyond = line_of(result, "users@e2e:p50:60s >= 32");
  EXPECT_EQ(beyond.outcome, kInconclusive);
  EXPECT_THAT(beyond.why, HasSubstr("ends at 16"));
  const GateLine edge = line_of(result, "users@e2e:p50:12s >= 8");
  EXPECT_EQ(edge.outcome, kInconclusive);
  EXPECT_TRUE(edge.more_repeats_help);
  EXPECT_EQ(edge.point, at_concurrency(8));
  EXPECT_EQ(line_of(result, "users@e2e:p50:1s >= 1").outcome, kFail);
}

TEST(Gate, TakesATierByTheNameThatTheResultHas) {
  SweepResult result = measured();
  const Target gold{.all = {e2e_target(15s), e2e_target(14s)}, .name = "gold"};
  const Target strict{.all = {e2e_target(1s), e2e_target(15s)}, .name = "strict"};
  result.users_at_target = {users_at_target(result.levels, gold, 4),
                            users_at_target(result.levels, strict, 4)};
  EXPECT_EQ(line_of(result, "users_per_gpu@gold >= 2").outcome, kPass);
  EXPECT_EQ(line_of(result, "users@gold >= 16").outcome, kFail);
  EXPECT_EQ(line_of(result, "users@strict >= 1").outcome, kFail);
  const SweepResult base = measured();  // which has other targets: its levels are asked
  EXPECT_EQ(line_of(result, base, "users@gold by 0%").outcome, kPass);
  const GateLine unknown = line_of(result, "users@golden >= 1");
  EXPECT_EQ(unknown.outcome, kInvalid);
  EXPECT_THAT(unknown.why, HasSubstr("no target called 'golden'"));
  EXPECT_EQ(unknown.next, "it has gold, strict");
  EXPECT_THAT(line_of(measured(), "users@gold >= 1").next, HasSubstr("name one in the spec"));
}

TEST(Gate, DoesNotCountALevelAboveTheLowestThatFails) {
  const SweepResult result = make_result("r", 1, {{4, {16000, 16001}}, {8, {12000, 12001}}});
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s >= 4").outcome, kFail);
  EXPECT_EQ(line_of(result, "users@e2e:p50:15s >= 8").outcome, kFail);
}

// By the figures level 8 misses the target, and its interval does not say; level 16 holds it.
TEST(Gate, DecidesNoUsersRuleAgainstTheFilesOwnBracket) {
  const SweepResult result =
      make_result("r", 1, {{4, {10'000, 10'010}}, {8, {14'000, 16'500}}, {16, {14'000, 14'010}}});
  const GateLine line = line_of(result, "users@e2e:p50:15s >= 12");
  EXPECT_EQ(line.outcome, kInconclusive);
  EXPECT_EQ(line.measured, 4);
  EXPECT_THAT(line.why, HasSubstr("bracket has 4 users, where level 8 misses the target"));
  EXPECT_EQ(line.point, at_concurrency(8));
  SweepResult edited = measured();
  edited.users_at_target = {{.target = e2e_target(15s), .users = 99, .c_pass = 99}};
  EXPECT_EQ(line_of(edited, "users@e2e:p50:15s >= 16").outcome, kInconclusive);
}

TEST(Gate, ComparesUsersWithTheBaseline) {
  const SweepResult base = measured();
  SweepResult worse = make_result("w", 8, {{1, {5790, 5801}}, {8, {16000, 16001}}});
  EXPECT_EQ(line_of(base, base, "users_per_gpu@e2e:p50:15s by 0%").outcome, kPass);
  EXPECT_EQ(line_of(worse, base, "users_per_gpu@e2e:p50:15s by 0%").outcome, kFail);
  EXPECT_EQ(line_of(base, base, "users_per_gpu@e2e:p50:1s by 0%").outcome, kInvalid);
}

TEST(Gate, TakesPublishedUsersAsStated) {
  SweepResult published = make_result("p", 4, {{1, {5801}}, {8, {1}}});
  published.source = Source::kPublished;
  published.levels.erase(published.levels.begin());
  published.levels[0].pooled = {};
  published.levels[0].runs.clear();
  published.users_at_target = {
      {.target = e2e_target(15s), .users = 8, .c_pass = 8, .users_per_gpu = 2}};
  EXPECT_EQ(line_of(published, "users_per_gpu@e2e:p50:15s >= 2").outcome, kPass);
  EXPECT_EQ(line_of(published, "users_per_gpu@e2e:p50:15s >= 3").outcome, kFail);
}

TEST(Gate, TakesAPublishedBoundAtOtherTargetsToo) {
  SweepResult published = make_result("p", 4, {{1, {5801}}, {8, {1}}});
  published.source = Source::kPublished;
  published.levels[1].pooled = {};
  published.levels[1].pooled.e2e.p50_at_most = 15'000;
  published.levels[1].runs.clear();
  published.users_at_target.clear();
  EXPECT_EQ(line_of(published, "users_per_gpu@e2e:p50:20s >= 2").outcome, kPass);
  EXPECT_EQ(line_of(published, "users_per_gpu@e2e:p50:20s >= 3").outcome, kInconclusive);
  EXPECT_EQ(line_of(published, "users_per_gpu@e2e:p50:10s >= 2").outcome, kInconclusive);
}

TEST(Gate, DecidesQualityByTheScore) {
  SweepResult result = measured(), base = measured();
  result.quality = {{"GPQA Diamond", 0.835}};
  base.quality = {{"GPQA Diamond", 0.849}};
  EXPECT_EQ(line_of(result, "quality:GPQA Diamond >= 0.83").outcome, kPass);
  EXPECT_EQ(line_of(result, "quality:GPQA Diamond >= 84%").outcome, kFail);
  EXPECT_EQ(line_of(result, base, "quality:GPQA Diamond by 2%").outcome, kPass);
  EXPECT_EQ(line_of(result, base, "quality:GPQA Diamond by 1%").outcome, kFail);
  EXPECT_THAT(line_of(result, "quality:GPQA Diamnod >= 0.83").next, HasSubstr("GPQA Diamond"));
}

TEST(Gate, StandsForEveryLevelWhereTheRuleSaysAll) {
  const GateReport report = gate(measured(), nullptr, require("e2e:p50@all <= 15s"));
  ASSERT_EQ(report.lines.size(), 3u);
  EXPECT_EQ(report.lines[0].rule, "e2e:p50@c1 <= 15s");
  EXPECT_EQ(report.lines[2].rule, "e2e:p50@c16 <= 15s");
  EXPECT_EQ(report.lines[2].outcome, kFail);
}

TEST(Gate, NoticesALevelThatOnlyTheBaselineHas) {
  const SweepResult base = measured();
  SweepResult result = measured();
  result.levels.pop_back();
  const GateReport report = gate(result, &base, no_worse("e2e:p50@all by 10%"));
  ASSERT_EQ(report.lines.size(), 3u);
  EXPECT_EQ(report.lines[2].outcome, kInvalid);
}

// Four levels, each slower by 5 %: p is about 0.04 each, four times that after Holm.
TEST(Gate, MakesAHuntSurviveHolm) {
  const testing::Levels before = {
      {1, {100, 101, 102}}, {2, {100, 101, 102}}, {4, {100, 101, 102}}, {8, {100, 101, 102}}};
  testing::Levels after = before;
  for (auto& [concurrency, e2e] : after) e2e = {104.5, 106, 107.5};
  const SweepResult a = make_result("a", 1, before), b = make_result("b", 1, after);
  const GateReport one = gate(b, &a, no_worse("e2e:p50@c4 by 2.5%"));
  EXPECT_EQ(one.outcome, kFail);
  const GateReport hunt = gate(b, &a, no_worse("e2e:p50@all by 2.5%"));
  EXPECT_EQ(hunt.outcome, kInconclusive);
  EXPECT_THAT(hunt.lines[0].why, HasSubstr("by chance"));
  EXPECT_THAT(hunt.lines[0].basis, HasSubstr("Holm over 4"));
  for (auto& [concurrency, e2e] : after) e2e = {120, 121, 122};
  EXPECT_EQ(gate(make_result("c", 1, after), &a, no_worse("e2e:p50@all by 2.5%")).outcome, kFail);
}

TEST(Gate, ExitsWithTheWorstOutcome) {
  const SweepResult result = measured();
  const auto report_of = [&](std::vector<const char*> rules) {
    GatePolicy policy;
    for (const char* rule : rules) policy.rules.push_back(parse_require(rule));
    return gate(result, nullptr, policy);
  };
  const char* pass = "e2e@c8 <= 15s";
  const char* fail = "e2e@c8 <= 11s";
  const char* open = "e2e@c8 <= 12s";
  const char* invalid = "e2e@c99 <= 12s";
  EXPECT_EQ(gate_exit_code(report_of({pass})), kExitOk);
  EXPECT_EQ(gate_exit_code(report_of({pass, open})), kExitGateInconclusive);
  EXPECT_EQ(gate_exit_code(report_of({pass, open, invalid})), kExitGateInvalid);
  EXPECT_EQ(gate_exit_code(report_of({invalid, open, pass, fail})), kExitGateFail);
  GateReport inconclusive = report_of({open});
  inconclusive.inconclusive_is = InconclusiveIs::kPass;
  EXPECT_EQ(gate_exit_code(inconclusive), kExitOk);
  inconclusive.inconclusive_is = InconclusiveIs::kFail;
  EXPECT_EQ(gate_exit_code(inconclusive), kExitGateFail);
  GateReport bad = report_of({invalid});
  bad.inconclusive_is = InconclusiveIs::kPass;
  EXPECT_EQ(gate_exit_code(bad), kExitGateInvalid);
}

TEST(Gate, SaysWhichLevelsNeedMoreRepeats) {
  GatePolicy policy;
  for (const char* rule : {"e2e@c8 <= 12s", "e2e@c1 <= 5.8s", "e2e@c16 <= 1s", "e2e@c99 <= 1s"}) {
    policy.rules.push_back(parse_require(rule));
  }
  const GateReport report = gate(measured(), nullptr, policy);
  EXPECT_THAT(levels_needing_repeats(report), ElementsAre(at_concurrency(1), at_concurrency(8)));
  EXPECT_THAT(levels_needing_repeats(gate(measured(), nullptr, require("e2e@c8 <= 1h"))),
              IsEmpty());
}

TEST(Gate, EstimatesTheRepeatsThatWouldTell) {
  const SweepResult result = make_result("r", 1, {{8, {98, 100, 102}}});
  EXPECT_THAT(line_of(result, "e2e@c8 <= 102ms").next, HasSubstr("about 5 repeats"));
  EXPECT_THAT(line_of(result, "e2e@c8 <= 99.99ms").next, HasSubstr("too close"));
}

// Half width at the level that the plan spends there: t(2, 1 - 0.0071) is 8.3, not 2.92.
TEST(Gate, SpendsAtEachLookWhatThePlanOfTheResultSays) {
  SweepResult result = make_result("r", 1, {{8, {98, 100, 102}}});
  EXPECT_EQ(line_of(result, "e2e@c8 <= 104ms").outcome, kPass);
  result.looks = GateLooks{.first = 3, .last = 8, .levels = spending_levels({3, 8})};
  const GateLine first = line_of(result, "e2e@c8 <= 104ms");
  EXPECT_EQ(first.outcome, kInconclusive);
  EXPECT_EQ(first.basis, "3 runs, t on their logs; looks 3 to 8, 5 % over all");
  const double half = std::log(first.bounds->high / *first.measured);
  EXPECT_NEAR(half, -student_quantile(result.looks->levels[0], 2) * 0.0200 / std::sqrt(3), 2e-4);
  for (int repeat = 3; repeat < 9; ++repeat) {
    result.levels[0].runs.push_back(testing::make_run(8, 100, repeat));
  }
  EXPECT_LT(line_of(result, "e2e@c8 <= 104ms").bounds->high, 102);  // nine runs: beyond the plan
  result.looks->endless = true;
  EXPECT_THAT(line_of(result, "e2e@c8 <= 104ms").basis,
              HasSubstr("looks 3 to 8, 5 % over all, later ones by an e-process, 5 % more"));
  const SweepResult base = make_result("b", 1, {{8, {98, 100, 102}}});
  EXPECT_THAT(line_of(result, base, "e2e@c8 by 3%").basis, HasSubstr("looks 3 to 8"));
}

TEST(Gate, TakesNoLevelFromAFileThatIsNone) {
  SweepResult result = make_result("r", 1, {{8, {98, 100, 102}}});
  const GateLine plain = line_of(result, "e2e@c8 <= 104ms");
  result.looks = GateLooks{.first = -5, .last = 1'000, .levels = {0.9, 7, -1}};
  EXPECT_GE(line_of(result, "e2e@c8 <= 104ms").bounds->high, plain.bounds->high);
  result.looks = GateLooks{.first = 3, .last = 3, .levels = {0.05}};
  EXPECT_EQ(line_of(result, "e2e@c8 <= 104ms").basis, plain.basis);
  EXPECT_EQ(line_of(result, "e2e@c8 <= 104ms").bounds, plain.bounds);
}

TEST(Gate, NeedsARule) {
  EXPECT_THROW(gate(measured(), nullptr, {}), Error);
}

TEST(LevelFigures, AreTheSameInTheTableTheComparisonAndTheGate) {
  const SweepResult result = make_result("a", 4, {{8, {10'000, 14'000, 15'000}}});
  const double e2e = *figure_of(result.levels[0], measure_of("e2e")).value;
  EXPECT_NE(e2e, result.levels[0].pooled.e2e.p50);  // of the pooled requests
  const Comparison comparison = compare(result, result);
  EXPECT_EQ(comparison.levels[0].ratio_of(measure_of("e2e"))->baseline, e2e);
  const GateReport report = gate(result, nullptr, {.rules = {parse_require("e2e:p50@c8 <= 20s")}});
  EXPECT_EQ(report.lines[0].measured, e2e);
  const std::string table = level_table(result, {});
  EXPECT_NE(table.find(" " + format_number(e2e) + " "), std::string::npos) << table;
  EXPECT_NE(level_line(result.levels[0], {}).find(" " + format_number(e2e) + " ms"),
            std::string::npos);
  EXPECT_NE(markdown_report({&result, 1}).find("| " + format_number(e2e) + " |"),
            std::string::npos);
}

}  // namespace
}  // namespace llmsweep

// Rates in gate, comparison and every rendering: what an overloaded level must not say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "analysis/make_result.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/report/html.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using testing::make_result;
using ::testing::Not;
using namespace std::chrono_literals;

// Of a level whose E2E has this odd figure, to be looked for.
constexpr double kOddMs = 98'765.4321;

LevelStats at_a_rate(double rate, const std::vector<double>& e2e_ms, LoadState state) {
  LevelStats level = testing::make_level(1, e2e_ms);
  level.point = at_rate(rate);
  level.pooled.open = OpenLoad{.state = state};
  for (RunStats& run : level.runs) {
    run.open = OpenLoad{.state = state, .schedule_sha256 = "s" + std::to_string(run.repeat)};
  }
  return level;
}

// As the statistics leave one, but for a run that was settled.
LevelStats overloaded(double rate) {
  LevelStats level = at_a_rate(rate, {kOddMs, kOddMs, kOddMs}, LoadState::kOverloaded);
  const auto drop = [](RunStats& run) {
    run.e2e = run.ttft = run.ttfo = run.tpot = run.itl = run.icl = {};
    run.output_speed_tps = run.decode_speed_tps = run.throughput_per_latency = std::nullopt;
    run.goodput_fraction = run.goodput_rps = std::nullopt;
  };
  drop(level.pooled);
  level.e2e_p50_between_runs_ci95.reset();
  for (RunStats& run : level.runs) drop(run);
  level.runs.back() = testing::make_run(1, kOddMs, 2);
  level.runs.back().open = OpenLoad{};
  return level;
}

SweepResult rates() {
  SweepResult result = make_result("r", 4, {});
  result.levels = {at_a_rate(2, {900, 905, 910}, LoadState::kSettled),
                   at_a_rate(4, {1000, 1005, 1010}, LoadState::kSettled),
                   at_a_rate(6, {1100, 1105, 1110}, LoadState::kUnsettled), overloaded(8)};
  result.users_at_target.clear();
  result.rates_at_target = {rate_at_target(result.levels, testing::e2e_target(15s), 4)};
  return result;
}

GateLine required(const SweepResult& result, const std::string& rule) {
  return gate(result, nullptr, {.rules = {parse_require(rule)}}).lines.front();
}

TEST(OpenLoopGate, AnOverloadedLevelFailsEveryRuleOnLatency) {
  const SweepResult result = rates();
  for (const char* rule : {"e2e:p50@r8 <= 15s", "ttft:p99@r8 <= 10h", "tpot:mean@r8 <= 1h",
                           "goodput@r8 >= 1%", "output_speed@r8 >= 1"}) {
    const GateLine line = required(result, rule);
    EXPECT_EQ(line.outcome, GateOutcome::kFail) << rule;
    EXPECT_FALSE(line.measured) << rule;
    EXPECT_THAT(line.why, HasSubstr("overloaded"));
  }
  EXPECT_EQ(required(result, "e2e:p50@r4 <= 15s").outcome, GateOutcome::kPass);
  EXPECT_EQ(required(result, "request_throughput@r8 >= 0.000001").outcome, GateOutcome::kPass)
      << "what it served is a figure like any other";
}

TEST(OpenLoopGate, AnUnsettledLevelNeverPasses) {
  const SweepResult result = rates();
  const GateLine line = required(result, "e2e:p50@r6 <= 15s");
  EXPECT_EQ(line.outcome, GateOutcome::kInconclusive);
  EXPECT_THAT(line.why, HasSubstr("unsettled"));
  EXPECT_EQ(required(result, "e2e:p50@r6 <= 1s").outcome, GateOutcome::kFail);
}

TEST(OpenLoopGate, IsNoWorseThanABaselineThatCarriesTheRate) {
  const SweepResult result = rates();
  SweepResult carries = rates();
  carries.created_at = "2026-11-29T00:59:59Z";
  carries.levels[3] = at_a_rate(8, {1300, 1305, 1310}, LoadState::kSettled);
  const auto line = [](const SweepResult& candidate, const SweepResult& baseline) {
    return gate(candidate, &baseline, {.rules = {parse_no_worse("e2e:p50@r8 by 3%")}})
        .lines.front();
  };
  EXPECT_EQ(line(result, carries).outcome, GateOutcome::kFail);
  SweepResult other = carries;
  other.created_at = "2026-11-29T01:59:59Z";
  SweepResult over = result;
  over.created_at = "2026-11-28T01:59:59Z";
  EXPECT_EQ(line(other, over).outcome, GateOutcome::kInvalid);
}

TEST(RateAtTarget, IsTheHighestThatMeetsItBelowTheLowestThatDoesNot) {
  const SweepResult result = rates();
  const RateAtTarget& rate = result.rates_at_target.front();
  EXPECT_EQ(rate.kind, UsersKind::kMeasured);
  EXPECT_EQ(rate.r_pass, 4) << "an unsettled level says nothing";
  EXPECT_EQ(rate.r_fail, 8) << "an overloaded one misses";
  EXPECT_EQ(rate.rate_per_gpu_rps, 1);
  EXPECT_FALSE(rate.r_interpolated) << "no latency to draw a line to";
  EXPECT_EQ(gpus_for_rate(rate, 100), 100);
  EXPECT_EQ(gpus_for_rate(rate, 0.5), 1);
  EXPECT_EQ(rate_at_target(result.levels, testing::e2e_target(950ms), 4).r_pass, 2);
  EXPECT_EQ(rate_at_target(result.levels, testing::e2e_target(950ms), 4).r_fail, 4);
  EXPECT_EQ(rate_at_target({}, testing::e2e_target(15s), 4).kind, UsersKind::kNoValidLevel);
  EXPECT_EQ(users_at_target(result.levels, testing::e2e_target(15s), 4).kind,
            UsersKind::kNoValidLevel);
  EXPECT_FALSE(gpus_for_rate(rate_at_target(result.levels, testing::e2e_target(15s), 0), 100));
}

TEST(Overloaded, NoRenderingHasALatencyOfIt) {
  SweepResult result = rates();
  const std::string odd[] = {"98765", "98,765", "98766", "98,766", "103703", "128395", "128,395"};
  std::vector<std::pair<std::string, std::string>> texts = {
      {"table", level_table(result, {.width = 250})},
      {"markdown", markdown_report({&result, 1}, {})},
      {"csv", levels_csv({&result, 1})},
      {"html", html_report({.results = {&result, 1}})}};
  for (const std::string& kind : figure_kind_names()) {
    texts.emplace_back(kind, figure_svg({&result, 1}, {.kind = *figure_kind_from_name(kind)}));
  }
  for (const auto& [what, text] : texts) {
    for (const std::string& digits : odd) EXPECT_THAT(text, Not(HasSubstr(digits))) << what;
  }
  EXPECT_THAT(texts[0].second, HasSubstr("overloaded"));
  EXPECT_THAT(texts[0].second, HasSubstr("4 requests/s on 4 GPUs within 15,000 ms p50 E2E; 8 do "
                                         "not fit"));
  EXPECT_THAT(texts[1].second, HasSubstr("= 1.00 per GPU: 100 GPUs for 100 requests/s"));
  EXPECT_THAT(texts[2].second, HasSubstr(",r8,overloaded,"));
  const Comparison comparison = compare(result, result);
  EXPECT_FALSE(comparison.levels.back().ratio_of(measure_of("e2e")));
}

TEST(OpenLoopComparison, PairsRunsOfTheSameSchedule) {
  // Repeats differ by 20 %, and in each of them B is 5 % slower, within 0.2 %.
  SweepResult a = make_result("a", 4, {});
  SweepResult b = make_result("b", 4, {});
  b.created_at = "2026-11-29T00:00:00Z";
  a.created_at = "2026-11-29T00:00:01Z";
  a.levels = {at_a_rate(4, {1000, 1200, 1400}, LoadState::kSettled)};
  b.levels = {at_a_rate(4, {1050, 1262, 1468}, LoadState::kSettled)};
  for (SweepResult* result : {&a, &b}) {
    result->users_at_target.clear();
    for (LevelStats& level : result->levels) {
      level.e2e_p50_between_runs_ci95.reset();
    }
  }
  const auto e2e_of = [&] {
    const Comparison comparison = compare(a, b, {.session_noise = 0});
    return *comparison.levels.front().ratio_of(measure_of("e2e"));
  };
  const Ratio paired = e2e_of();
  ASSERT_TRUE(paired.ci95);
  EXPECT_NEAR(paired.ratio, 1.05, 0.002);
  EXPECT_GT(paired.ci95->low, 1.04);
  EXPECT_LT(paired.ci95->high, 1.06);
  EXPECT_TRUE(compare(a, b).levels.front().paired);
  b.levels.front().runs[1].open->schedule_sha256 = "another";
  EXPECT_FALSE(compare(a, b).levels.front().paired);
  const Ratio unpaired = e2e_of();
  EXPECT_LT(unpaired.ci95->low, 0.9) << "Welch sees the spread of the repeats";
}

// Carries 6 where rates() carries 4; of another name and instant.
SweepResult carries_more() {
  SweepResult result = rates();
  result.name = "more";
  result.created_at = "2026-11-29T00:30:00Z";
  result.levels[2] = at_a_rate(6, {1000, 1001, 1002}, LoadState::kSettled);
  result.rates_at_target = {rate_at_target(result.levels, testing::e2e_target(15s), 4)};
  return result;
}

TEST(OpenLoopGate, DecidesOnTheRateAtATarget) {
  const SweepResult result = rates();
  const auto outcome = [&](const char* rule) { return required(result, rule).outcome; };
  EXPECT_EQ(outcome("rate@e2e:p50:15s >= 4"), GateOutcome::kPass);
  EXPECT_EQ(outcome("rate@e2e:p50:15s >= 3.5"), GateOutcome::kPass);
  EXPECT_EQ(outcome("rate_per_gpu@e2e:p50:15s >= 1"), GateOutcome::kPass);
  EXPECT_EQ(outcome("rate@e2e:p50:950ms >= 4"), GateOutcome::kFail);
  EXPECT_EQ(outcome("rate@e2e:p50:15s >= 8"), GateOutcome::kFail) << "8 is overloaded";
  EXPECT_EQ(outcome("rate@e2e:p50:15s+ttft:p50:1ms >= 4"), GateOutcome::kFail);
  const GateLine open = required(result, "rate@e2e:p50:15s >= 5");
  EXPECT_EQ(open.outcome, GateOutcome::kInconclusive) << "6 is unsettled";
  EXPECT_EQ(open.measured, 4);
  EXPECT_EQ(open.unit, "requests/s");
  EXPECT_EQ(outcome("users@e2e:p50:15s >= 1"), GateOutcome::kInvalid) << "no level is of users";
  EXPECT_THROW(parse_require("rate@r4 >= 4"), Error);
}

TEST(OpenLoopGate, IsNoWorseInTheRateAtATarget) {
  const SweepResult less = rates();
  const SweepResult more = carries_more();
  const auto outcome = [](const SweepResult& candidate, const SweepResult& baseline,
                          const char* rule) {
    return gate(candidate, &baseline, {.rules = {parse_no_worse(rule)}}).lines.front().outcome;
  };
  EXPECT_EQ(outcome(more, less, "rate@e2e:p50:15s by 0%"), GateOutcome::kPass);
  EXPECT_EQ(outcome(less, more, "rate@e2e:p50:15s by 50%"), GateOutcome::kPass);
  EXPECT_NE(outcome(less, more, "rate@e2e:p50:15s by 10%"), GateOutcome::kPass);
}

TEST(OpenLoopGate, PairsTheRunsOfABaselineThatHadTheSameArrivals) {
  // Repeats differ by 20 %, and in each of them the candidate is 1 % slower, within 0.2 %.
  SweepResult a = rates();
  SweepResult b = rates();
  b.created_at = "2026-11-29T00:10:00Z";
  a.levels = {at_a_rate(4, {1000, 1200, 1400}, LoadState::kSettled)};
  b.levels = {at_a_rate(4, {1010, 1213, 1413}, LoadState::kSettled)};
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@r4 by 3%")}, .session_noise = 0};
  const GateLine paired = gate(b, &a, policy).lines.front();
  EXPECT_EQ(paired.outcome, GateOutcome::kPass);
  EXPECT_THAT(paired.basis, HasSubstr("3 pairs of runs"));
  b.levels.front().runs[1].open->schedule_sha256 = "another";
  const GateLine unpaired = gate(b, &a, policy).lines.front();
  EXPECT_EQ(unpaired.outcome, GateOutcome::kInconclusive) << "Welch sees the repeats' spread";
  EXPECT_THAT(unpaired.basis, HasSubstr("Welch"));
}

TEST(OpenLoopComparison, HasTheRatesAtATarget) {
  const SweepResult less = rates();
  const SweepResult more = carries_more();
  const Comparison comparison = compare(less, more);
  EXPECT_TRUE(comparison.users.empty()) << "no level is of users";
  ASSERT_EQ(comparison.rates.size(), 1u);
  const RateComparison& rates = comparison.rates.front();
  EXPECT_EQ(rates.baseline.r_pass, 4);
  EXPECT_EQ(rates.candidate.r_pass, 6);
  EXPECT_EQ(rates.rate_ratio, 1.5);
  EXPECT_EQ(rates.per_gpu_ratio, 1.5);
  EXPECT_EQ(rates.kind, RatioKind::kExact);
  EXPECT_EQ(comparison.headlines.front().kind, HeadlineKind::kRatePerGpu);
  const std::string text = comparison_table({&comparison, 1}, {.width = 200});
  EXPECT_THAT(text, HasSubstr("at 15,000 ms p50 E2E: 1.5 against 1 requests/s per GPU, 1.5×"));
  EXPECT_THAT(text, HasSubstr("1.5 (6 requests/s, 8 misses it)"));
  EXPECT_THAT(comparison_json({&comparison, 1}), HasSubstr("\"rate_ratio\": 1.5"));
  EXPECT_THAT(comparison_csv({&comparison, 1}),
              HasSubstr("rate_per_gpu_rps e2e:p50:15s,1,1.5,1.5"));
}

}  // namespace
}  // namespace llmsweep

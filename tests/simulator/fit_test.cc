#include "llmsweep/simulator/fit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "llmsweep/base/error.h"
#include "simulator/closed_loop.h"

namespace llmsweep {
namespace {

using sim::run_closed_loop;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

FitPoint measured(const EngineProfile& engine, int concurrency, int64_t input, int64_t output,
                  Duration spread_starts = {}) {
  const auto result = run_closed_loop(engine, {.concurrency = concurrency,
                                               .input_tokens = input,
                                               .output_tokens = output,
                                               .requests_per_slot = 16,
                                               .spread_starts = spread_starts,
                                               .seed = 99});
  return {.concurrency = concurrency,
          .input_tokens = input,
          .output_tokens = output,
          .spread_starts = spread_starts,
          .e2e_ms = result.e2e_p50_ms,
          .ttft_ms = result.ttft_p50_ms,
          .tpot_ms = result.tpot_p50_ms,
          .icl_ms = result.icl_mean_ms,
          .throughput_tps = result.throughput_tps};
}

TEST(FitProfile, GivesBackTheCostsOfTheEngineThatMadeThePoints) {
  EngineProfile engine;
  engine.step = {.base = milliseconds(7),
                 .per_prefill_token = microseconds(35),
                 .per_sequence = microseconds(420),
                 .per_kv_token = nanoseconds(120)};
  engine.tokens_per_step = {0.3, 0.7};
  engine.request_overhead = milliseconds(12);
  std::vector<FitPoint> points;
  for (int concurrency : {1, 4, 16}) {
    points.push_back(measured(engine, concurrency, 600, 120));
    points.push_back(measured(engine, concurrency, 3000, 120));
  }
  FitOptions options;
  options.start.engine = engine;
  options.start.engine.step = {.base = milliseconds(1)};
  options.start.engine.request_overhead = {};
  const Fit fit = fit_profile(points, options);
  EXPECT_EQ(fit.parameters.size(), 5U);
  const StepCost& step = fit.profile.engine.step;
  EXPECT_NEAR(step.base / engine.step.base, 1, 0.05);
  EXPECT_NEAR(step.per_prefill_token / engine.step.per_prefill_token, 1, 0.05);
  EXPECT_NEAR(step.per_sequence / engine.step.per_sequence, 1, 0.05);
  EXPECT_NEAR(step.per_kv_token / engine.step.per_kv_token, 1, 0.05);
  EXPECT_NEAR(fit.profile.engine.request_overhead / engine.request_overhead, 1, 0.05);
  EXPECT_LT(fit.mape, 0.06);  // how requests lie in the steps is another draw
  EXPECT_EQ(fit.figures.size(), points.size() * 5);
}

// Of equal lengths, requests that are sent together wait for each other's prompts for ever: a TTFT
// that was measured otherwise says nothing of the costs then.
TEST(FitProfile, StartsItsSlotsAsTheMeasuredOnesWere) {
  EngineProfile engine;
  engine.step = {.base = milliseconds(5),
                 .per_prefill_token = microseconds(20),
                 .per_sequence = microseconds(60)};
  std::vector<FitPoint> points;
  for (int concurrency : {1, 4, 12}) {
    points.push_back(measured(engine, concurrency, 500, 100, std::chrono::seconds(1)));
  }
  FitOptions options;
  options.start.engine.step = {.base = milliseconds(1)};
  options.parameters = {FitParameter::kBase, FitParameter::kPerPrefillToken,
                        FitParameter::kPerSequence};
  EXPECT_LT(fit_profile(points, options).mape, 0.03);
  for (FitPoint& point : points) point.spread_starts = {};
  EXPECT_GT(fit_profile(points, options).mape, 0.1);
}

// One length: without the time before the engine, prefill would be taken to cost half as much
// again.
TEST(FitProfile, TriesTheTimeBeforeTheEngineWhereTheCostsDoNotExplainThePoints) {
  EngineProfile engine;
  engine.step = {.base = milliseconds(5), .per_prefill_token = microseconds(20)};
  engine.request_overhead = milliseconds(20);
  std::vector<FitPoint> points;
  for (int concurrency : {1, 16, 64}) {
    points.push_back(measured(engine, concurrency, 500, 100, std::chrono::seconds(1)));
  }
  const Fit fit = fit_profile(points, {});
  ASSERT_EQ(fit.parameters.back(), FitParameter::kRequestOverhead);
  EXPECT_NEAR(fit.profile.engine.request_overhead / engine.request_overhead, 1, 0.2);
  EXPECT_LT(fit.mape, 0.05);
}

TEST(FitProfile, SaysHowPoorAFitIs) {
  // Twice the load and half the latency: no engine of this kind does that.
  const std::vector<FitPoint> points = {
      {.concurrency = 1, .input_tokens = 100, .output_tokens = 50, .e2e_ms = 1000},
      {.concurrency = 2, .input_tokens = 100, .output_tokens = 50, .e2e_ms = 500}};
  EXPECT_GT(fit_profile(points, {}).mape, 0.2);
}

TEST(FitProfile, RefusesFewerFiguresThanCosts) {
  EXPECT_THROW(fit_profile({}, {}), Error);
  const std::vector<FitPoint> points = {
      {.concurrency = 1, .input_tokens = 100, .output_tokens = 50, .e2e_ms = 1000},
      {.concurrency = 2, .input_tokens = 100, .output_tokens = 50}};
  EXPECT_THROW(fit_profile(points, {}), Error);
}

TEST(FitProfile, TellsApartOnlyWhatThePointsVary) {
  using P = FitParameter;
  FitPoint point{.concurrency = 1, .input_tokens = 100, .output_tokens = 50, .e2e_ms = 1000};
  EXPECT_EQ(identifiable({point}), std::vector<P>{P::kBase});
  FitPoint more = point;
  more.concurrency = 8;
  EXPECT_EQ(identifiable({point, more}), (std::vector<P>{P::kBase, P::kPerSequence}));
  more.ttft_ms = 5;
  more.input_tokens = 200;  // twice as long
  EXPECT_EQ(identifiable({point, more}),
            (std::vector<P>{P::kBase, P::kPerPrefillToken, P::kPerSequence, P::kPerKvToken,
                            P::kRequestOverhead}));
}

TEST(TokensPerStep, HasTheMeanThatWasAskedFor) {
  EXPECT_EQ(tokens_per_step(1, 0), std::vector<double>{1});
  const auto one = tokens_per_step(1.85, 1);
  EXPECT_NEAR(one[0], 0.15, 1e-9);
  EXPECT_NEAR(one[1], 0.85, 1e-9);
  const auto three = tokens_per_step(2.5, 3);
  EXPECT_NEAR(three[0] + 2 * three[1] + 3 * three[2] + 4 * three[3], 2.5, 1e-9);
  EXPECT_NEAR(three[0] + three[1] + three[2] + three[3], 1, 1e-9);
  EXPECT_THROW(tokens_per_step(2.5, 1), Error);
}

}  // namespace
}  // namespace llmsweep

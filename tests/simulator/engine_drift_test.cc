#include "llmsweep/simulator/engine_drift.h"

#include <gtest/gtest.h>

#include <cmath>

#include "llmsweep/simulator/engine.h"
#include "simulator/closed_loop.h"

namespace llmsweep {
namespace {

using std::chrono::seconds;

Instant at(double seconds_since) {
  return from_ns(0) + from_seconds(seconds_since);
}

TEST(DriftClock, RampsRiseAndFallBack) {
  DriftClock clock({.kind = DriftKind::kRamp, .share = 0.1, .period = seconds(10)});
  EXPECT_NEAR(clock.factor(at(0)), 1, 1e-12);
  EXPECT_NEAR(clock.factor(at(5)), 1.05, 1e-12);
  EXPECT_NEAR(clock.factor(at(10)), 1.1, 1e-12);
  EXPECT_NEAR(clock.factor(at(15)), 1.05, 1e-12);
  EXPECT_NEAR(clock.factor(at(1e6 + 5)), 1.05, 1e-6);
}

TEST(DriftClock, SinesSwingOnceInAPeriod) {
  DriftClock clock({.kind = DriftKind::kSine, .share = 0.02, .period = seconds(8)});
  EXPECT_NEAR(clock.factor(at(2)), std::exp(0.02), 1e-9);
  EXPECT_NEAR(clock.factor(at(6)), std::exp(-0.02), 1e-9);
  EXPECT_NEAR(clock.factor(at(8)), 1, 1e-9);
}

// Mean 0, deviation 1, and 1/e of it left after a period: of 4,000 periods, four standard errors.
TEST(DriftClock, WalksForgetThemselvesInAPeriodAndDoNotRunAway) {
  DriftClock clock({.kind = DriftKind::kWalk, .share = 1, .period = seconds(1), .seed = 4});
  std::vector<double> values;
  for (int i = 0; i < 4'000; ++i) values.push_back(std::log(clock.factor(at(i))));
  double sum = 0, squares = 0, products = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    squares += values[i] * values[i];
    if (i > 0) products += values[i] * values[i - 1];
  }
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 0, 4 * std::sqrt(2.2 / n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2 * 1.3 / n));
  EXPECT_NEAR(products / squares, std::exp(-1), 4 / std::sqrt(n));
}

TEST(DriftClock, IsTheSameForAllWhoAskWhenever) {
  const EngineDrift drift{.kind = DriftKind::kWalk, .share = 0.02, .period = seconds(3), .seed = 9};
  DriftClock one(drift), other(drift);
  for (double s = 0; s < 20; s += 0.1) other.factor(at(s));
  for (const double s : {17.0, 3.3, 11.1}) EXPECT_DOUBLE_EQ(one.factor(at(s)), other.factor(at(s)));
  DriftClock third({.kind = DriftKind::kWalk, .share = 0.02, .period = seconds(3), .seed = 8});
  EXPECT_NE(one.factor(at(5)), third.factor(at(5)));
}

sim::LoopResult loop(const EngineProfile& profile, uint64_t seed, double start_s) {
  return sim::run_closed_loop(profile, {.concurrency = 1,
                                        .input_tokens = 8,
                                        .output_tokens = 50,
                                        .requests_per_slot = 3,
                                        .slot_gap = {},
                                        .seed = seed,
                                        .start = at(start_s)});
}

TEST(Engine, SlowsDownWithItsDriftAndByTheNoiseOfARun) {
  EngineProfile profile;
  profile.step.base = std::chrono::milliseconds(1);
  const double plain = loop(profile, 1, 0).e2e_p50_ms;
  EngineProfile drifting = profile;
  drifting.drift = {.kind = DriftKind::kRamp, .share = 0.5, .period = seconds(1'000)};
  EXPECT_NEAR(loop(drifting, 1, 500).e2e_p50_ms / plain, 1.25, 0.001);
  EngineProfile noisy = profile;
  noisy.run_noise = 0.05;
  double squares = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const sim::LoopResult run = loop(noisy, seed, 0);
    const double log = std::log(run.e2e_p50_ms / plain);
    squares += log * log;
    // Nothing to do for less than 20 ms: one factor for the whole run.
    EXPECT_NEAR(to_ms(run.measured[0].last_token - run.measured[0].sent),
                to_ms(run.measured[2].last_token - run.measured[2].sent), 1e-3);
  }
  EXPECT_NEAR(std::sqrt(squares / 400), 0.05, 4 * 0.05 / std::sqrt(800.0));
}

}  // namespace
}  // namespace llmsweep

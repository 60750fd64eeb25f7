// The throughput estimators against a closed loop whose true throughput is known.
//
// C slots; a request takes TTFT + tokens · TPOT with random lengths, so the true steady rate is
// C · E[tokens] / E[E2E + slot gap], exactly. What is simulated is only when things happen.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_stats.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

using testing::Request;

constexpr double kTtftMs = 100;
constexpr double kTpotMs = 10;
constexpr double kGapMs = 2;

struct Scenario {
  int concurrency = 16;
  int per_slot = 10;
  bool fillers = true;
  std::function<int64_t(Random&)> length;
  double mean_length = 0;
};

// One slot's next request; returns when it ends.
double add_request(std::vector<Request>& requests, uint32_t slot, Phase phase, double sent,
                   int64_t tokens) {
  const double first = sent + kTtftMs;
  const double last = first + static_cast<double>(tokens - 1) * kTpotMs;
  requests.push_back({slot, phase, sent, first, last, {}, tokens});
  return last;
}

// A filler that is still running when the last measured request ends received what had come.
void cancel_at(Request& request, double now) {
  if (*request.last <= now) return;
  request.outcome = Outcome::kCancelled;
  request.end = now;
  if (*request.first > now) {
    request.first = request.last = std::nullopt;
    request.tokens = 0;
    return;
  }
  request.tokens = 1 + static_cast<int64_t>((now - *request.first) / kTpotMs);
  request.last = *request.first + static_cast<double>(request.tokens - 1) * kTpotMs;
}

std::vector<RequestRecord> simulate(const Scenario& scenario, Random& random) {
  std::vector<Request> requests;
  std::vector<double> free_at;
  double last_measured = 0;
  for (uint32_t slot = 0; slot < static_cast<uint32_t>(scenario.concurrency); ++slot) {
    double now = add_request(requests, slot, Phase::kWarmup, 0, scenario.length(random));
    for (int i = 0; i < scenario.per_slot; ++i) {
      now = add_request(requests, slot, Phase::kMeasured, now + kGapMs, scenario.length(random));
    }
    free_at.push_back(now);
    last_measured = std::max(last_measured, now);
  }
  for (uint32_t slot = 0; scenario.fillers && slot < free_at.size(); ++slot) {
    for (double now = free_at[slot]; now + kGapMs < last_measured;) {
      now = add_request(requests, slot, Phase::kFiller, now + kGapMs, scenario.length(random));
      cancel_at(requests.back(), last_measured);
    }
  }
  return testing::records_of(requests);
}

struct Biases {
  double steady = 0;        // mean of estimate ÷ truth − 1
  double steady_error = 0;  // its standard error
  double plain = 0;
  double in_flight = 0;  // mean of achieved ÷ asked concurrency
};

Biases biases(const Scenario& scenario, int trials) {
  const double mean_e2e = kTtftMs + (scenario.mean_length - 1) * kTpotMs;
  const double truth = scenario.concurrency * scenario.mean_length / (mean_e2e + kGapMs) * 1000;
  Random random(61);
  std::vector<double> steady;
  std::vector<double> plain;
  std::vector<double> in_flight;
  for (int trial = 0; trial < trials; ++trial) {
    const auto records = simulate(scenario, random);
    const RunStats stats = run_stats({
        .records = records,
        .level = {.concurrency = scenario.concurrency, .fillers = scenario.fillers},
    });
    steady.push_back(*stats.steady_output_throughput_tps / truth - 1);
    plain.push_back(stats.output_throughput_tps / truth - 1);
    in_flight.push_back(*stats.achieved_concurrency / scenario.concurrency);
  }
  const Moments moments = moments_of(steady);
  return {moments.mean, std::sqrt(moments.variance / trials), moments_of(plain).mean,
          moments_of(in_flight).mean};
}

int64_t exponential_length(Random& random) {
  return 1 + static_cast<int64_t>(random.exponential() * 200);
}
// E[1 + floor(200 E)] = 1 / (1 − e^(−1/200)).
const double kExponentialMean = 1 / -std::expm1(-1.0 / 200);

int64_t uniform_length(Random& random) {
  return 100 + static_cast<int64_t>(random.below(201));
}

TEST(SteadyThroughput, IsUnbiasedWhereTokensOverWallIsNot) {
  Scenario scenario{.length = exponential_length, .mean_length = kExponentialMean};
  const Biases with_fillers = biases(scenario, 400);
  EXPECT_LT(with_fillers.steady_error, 0.001);
  EXPECT_LT(std::abs(with_fillers.steady), 0.005);
  EXPECT_NEAR(with_fillers.in_flight, 1, 0.002);

  scenario.fillers = false;
  const Biases without = biases(scenario, 400);
  EXPECT_LT(without.plain, -0.15) << "the drain, at 10 requests a slot";
  EXPECT_LT(std::abs(without.steady), 0.02);
}

TEST(SteadyThroughput, IsUnbiasedForMildlyVaryingLengthsAndFewRequestsASlot) {
  const Scenario scenario{
      .concurrency = 64, .per_slot = 3, .length = uniform_length, .mean_length = 200};
  const Biases result = biases(scenario, 200);
  EXPECT_LT(std::abs(result.steady), 0.005);
}

TEST(SteadyThroughput, IsExactForFixedLengths) {
  const Scenario scenario{.concurrency = 4,
                          .per_slot = 5,
                          .length = [](Random&) { return int64_t{160}; },
                          .mean_length = 160};
  const Biases result = biases(scenario, 3);
  EXPECT_NEAR(result.steady, 0, 1e-9);
}

}  // namespace
}  // namespace llmsweep

// The throughput estimators against a closed loop whose true throughput is known.
//
// C slots; a request takes TTFT + tokens · TPOT with random lengths and, independently, speeds, so
// the true steady rate is C · E[tokens] / E[E2E + slot gap], exactly.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_stats.h"
#include "stats/documented_table.h"
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
  double speed_spread = 0.2;  // TPOT is uniform within this share of its mean
  std::function<int64_t(Random&)> length;
  double mean_length = 0;
};

class Simulation {
 public:
  Simulation(const Scenario& scenario, Random& random) : scenario_(scenario), random_(random) {}

  std::vector<RequestRecord> run() {
    std::vector<double> free_at;
    for (uint32_t slot = 0; slot < static_cast<uint32_t>(scenario_.concurrency); ++slot) {
      double now = add(slot, Phase::kWarmup, 0);
      for (int i = 0; i < scenario_.per_slot; ++i) now = add(slot, Phase::kMeasured, now + kGapMs);
      free_at.push_back(now);
    }
    if (scenario_.fillers) {
      add_fillers(free_at, *std::max_element(free_at.begin(), free_at.end()));
    }
    return testing::records_of(requests_);
  }

 private:
  // Returns when the request ends.
  double add(uint32_t slot, Phase phase, double sent) {
    const int64_t tokens = scenario_.length(random_);
    const double tpot = kTpotMs * (1 + scenario_.speed_spread * (2 * random_.uniform() - 1));
    const double first = sent + kTtftMs;
    const double last = first + static_cast<double>(tokens - 1) * tpot;
    requests_.push_back({slot, phase, sent, first, last, {}, tokens});
    return last;
  }

  void add_fillers(const std::vector<double>& free_at, double until) {
    for (uint32_t slot = 0; slot < free_at.size(); ++slot) {
      for (double now = free_at[slot]; now + kGapMs < until;) {
        now = add(slot, Phase::kFiller, now + kGapMs);
        if (now > until) cancel(requests_.back(), until);
      }
    }
  }

  // Keeps what had come by then.
  static void cancel(Request& request, double now) {
    request.outcome = Outcome::kCancelled;
    request.end = now;
    if (*request.first > now) {
      request.first = request.last = std::nullopt;
      request.tokens = 0;
      return;
    }
    const double tpot = (*request.last - *request.first) / static_cast<double>(request.tokens - 1);
    request.tokens = 1 + static_cast<int64_t>((now - *request.first) / tpot);
    request.last = *request.first + static_cast<double>(request.tokens - 1) * tpot;
  }

  const Scenario& scenario_;
  Random& random_;
  std::vector<Request> requests_;
};

struct Biases {
  double steady = 0;        // mean of estimate ÷ truth − 1
  double steady_error = 0;  // its standard error
  double plain = 0;
  double in_flight = 0;  // mean of achieved ÷ asked concurrency
  double present = 0;    // share of runs with a steady throughput at all
};

Biases biases(const Scenario& scenario, int trials) {
  const double mean_e2e = kTtftMs + (scenario.mean_length - 1) * kTpotMs;
  const double truth = scenario.concurrency * scenario.mean_length / (mean_e2e + kGapMs) * 1000;
  Random random(61);
  std::vector<double> steady;
  std::vector<double> plain;
  std::vector<double> in_flight;
  for (int trial = 0; trial < trials; ++trial) {
    const auto records = Simulation(scenario, random).run();
    const RunStats stats = run_stats({
        .records = records,
        .level = {.point = at_concurrency(scenario.concurrency), .fillers = scenario.fillers},
    });
    plain.push_back(*stats.output_throughput_tps / truth - 1);
    if (!stats.steady_output_throughput_tps) continue;
    steady.push_back(*stats.steady_output_throughput_tps / truth - 1);
    in_flight.push_back(*stats.achieved_concurrency / scenario.concurrency);
  }
  const Moments moments = moments_of(steady);
  return {moments.mean, std::sqrt(moments.variance / trials), moments_of(plain).mean,
          moments_of(in_flight).mean, static_cast<double>(steady.size()) / trials};
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

// To a tenth, zero without a sign.
std::string signed_percent(double share) {
  const double tenths = std::round(1000 * share);
  return tenths == 0 ? "0.0 %" : fmt::format("{:+.1f} %", tenths / 10);
}

TEST(SteadyThroughput, BehavesAsDocumented) {
  struct Row {
    const char* name;
    std::function<int64_t(Random&)> length;
    double mean;
  };
  const std::vector<Row> rows = {
      {"fixed", [](Random&) { return int64_t{200}; }, 200},
      {"uniform ±50 %", uniform_length, 200},
      {"exponential", exponential_length, kExponentialMean},
  };
  std::string table =
      "| lengths | requests a slot | steady | output | steady, no fillers | output, no fillers |\n"
      "|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    for (int per_slot : {3, 10, 30}) {
      Scenario scenario{.per_slot = per_slot, .length = row.length, .mean_length = row.mean};
      const int trials = 1'200 / per_slot;
      const Biases with_fillers = biases(scenario, trials);
      scenario.fillers = false;
      const Biases without = biases(scenario, trials);
      table += fmt::format("| {} | {} | {} | {} | {} | {} |\n", row.name, per_slot,
                           signed_percent(with_fillers.steady), signed_percent(with_fillers.plain),
                           without.present > 0.9 ? signed_percent(without.steady) : "none",
                           signed_percent(without.plain));
    }
  }
  testing::expect_documented("throughput", table);
}

TEST(SteadyThroughput, IsExactForFixedLengths) {
  const Scenario scenario{.concurrency = 4,
                          .per_slot = 5,
                          .speed_spread = 0,
                          .length = [](Random&) { return int64_t{160}; },
                          .mean_length = 160};
  const Biases result = biases(scenario, 3);
  EXPECT_NEAR(result.steady, 0, 1e-9);
}

}  // namespace
}  // namespace llmsweep

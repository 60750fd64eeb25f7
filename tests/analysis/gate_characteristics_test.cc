// How often the gate is right: seeded trials with log-normal run-to-run noise of 2 %.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "analysis/make_result.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/base/random.h"
#include "stats/documented_table.h"

namespace llmsweep {
namespace {

constexpr double kNoise = 0.02;
constexpr double kTolerance = 0.03;
constexpr double kLimitMs = 15'000;
constexpr int kTrials = 2'000;  // three standard errors of 5 % are 1.5 %
constexpr int kMostRepeats = 8;

using Rates = std::map<GateOutcome, double>;

double noisy(double value, Random& random) {
  return value * std::exp(kNoise * random.normal());
}

SweepResult result_of(double median_ms, int repeats, Random& random) {
  std::vector<double> runs;
  for (int i = 0; i < repeats; ++i) runs.push_back(noisy(median_ms, random));
  return testing::make_result("trial", 4, {{8, runs}});
}

GatePolicy require_policy() {
  return {.rules = {parse_require("e2e:p50@c8 <= 15s tolerance 3%")}};
}

// `excess`: the true median over the limit, relative.
Rates require_rates(double excess, int repeats) {
  const GatePolicy policy = require_policy();
  Random random(81, static_cast<uint64_t>(repeats));
  Rates rates;
  for (int trial = 0; trial < kTrials; ++trial) {
    const SweepResult result = result_of(kLimitMs * (1 + excess), repeats, random);
    rates[gate(result, nullptr, policy).lines.front().outcome] += 1.0 / kTrials;
  }
  return rates;
}

// A repeat is added while the gate is inconclusive, up to kMostRepeats, all of them kept.
Rates added_repeats_rates(double excess, int repeats) {
  const GatePolicy policy = require_policy();
  Random random(82);
  Rates rates;
  for (int trial = 0; trial < kTrials; ++trial) {
    SweepResult result = result_of(kLimitMs * (1 + excess), repeats, random);
    LevelStats& level = result.levels.front();
    GateReport report = gate(result, nullptr, policy);
    while (!levels_needing_repeats(report).empty() && level.runs.size() < kMostRepeats) {
      level.runs.push_back(testing::make_run(8, noisy(kLimitMs * (1 + excess), random)));
      report = gate(result, nullptr, policy);
    }
    rates[report.lines.front().outcome] += 1.0 / kTrials;
  }
  return rates;
}

// Both sides with that many repeats.
Rates no_worse_rates(double excess, int repeats) {
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 3%")}};
  Random random(83, static_cast<uint64_t>(repeats));
  Rates rates;
  for (int trial = 0; trial < kTrials; ++trial) {
    const SweepResult baseline = result_of(kLimitMs, repeats, random);
    const SweepResult candidate = result_of(kLimitMs * (1 + excess), repeats, random);
    rates[gate(candidate, &baseline, policy).lines.front().outcome] += 1.0 / kTrials;
  }
  return rates;
}

// The edge of the tolerance is where each error is largest: 5 % by construction.
TEST(GateDecision, IsWrongAtMostFivePercentOfTheTime) {
  for (const auto& rates_at : {require_rates, no_worse_rates}) {
    for (int repeats : {2, 3, 5}) {
      Rates at_edge = rates_at(kTolerance, repeats);
      EXPECT_LE(at_edge[GateOutcome::kFail], 0.065) << repeats;
      EXPECT_LE(at_edge[GateOutcome::kPass], 0.065) << repeats;
      EXPECT_EQ(at_edge[GateOutcome::kInvalid], 0);
    }
    EXPECT_LE(rates_at(0, 3)[GateOutcome::kFail], 0.005);
    EXPECT_LE(rates_at(0.08, 3)[GateOutcome::kPass], 0.005);
    EXPECT_GE(rates_at(-0.05, 3)[GateOutcome::kPass], 0.95);
    EXPECT_GE(rates_at(0.12, 3)[GateOutcome::kFail], 0.95);
  }
}

// Looking again after each repeat raises the errors at the edge, and must not raise those that
// matter: a system at its limit fails, or one 8 % over it passes.
TEST(GateDecision, StaysRightOffTheEdgeWhereRepeatsAreAdded) {
  Rates at_edge = added_repeats_rates(kTolerance, 3);
  EXPECT_LE(at_edge[GateOutcome::kFail], 0.17);
  EXPECT_LE(at_edge[GateOutcome::kPass], 0.17);
  Rates at_limit = added_repeats_rates(0, 3);
  EXPECT_LE(at_limit[GateOutcome::kFail], 0.005);
  EXPECT_GE(at_limit[GateOutcome::kPass], 0.95);
  EXPECT_LE(added_repeats_rates(0.08, 3)[GateOutcome::kPass], 0.005);
}

struct Column {
  std::string name;
  Rates (*rates_at)(double, int);
  int repeats;
};

std::string table_of(const std::vector<Column>& columns) {
  std::string table = "| true value |";
  std::string rule = "|---|";
  for (const Column& column : columns) {
    table += " " + column.name + ": PASS | INCONCLUSIVE | FAIL |";
    rule += "---|---|---|";
  }
  table += "\n" + rule + "\n";
  for (int excess : {-5, 0, 3, 5, 8, 12}) {
    table += excess == 0 ? "| 0 |" : fmt::format("| {:+} % |", excess);
    for (const Column& column : columns) {
      Rates rates = column.rates_at(excess / 100.0, column.repeats);
      for (auto outcome : {GateOutcome::kPass, GateOutcome::kInconclusive, GateOutcome::kFail}) {
        table += fmt::format(" {:.1f} % |", 100 * rates[outcome]);
      }
    }
    table += "\n";
  }
  return table;
}

TEST(GateDecision, BehavesAsDocumentedForALimit) {
  testing::expect_documented("gate", table_of({{"3 repeats", require_rates, 3},
                                               {"5 repeats", require_rates, 5},
                                               {"3 to 8, added", added_repeats_rates, 3}}));
}

TEST(GateDecision, BehavesAsDocumentedAgainstABaseline) {
  testing::expect_documented(
      "no-worse", table_of({{"3 repeats", no_worse_rates, 3}, {"5 repeats", no_worse_rates, 5}}));
}

}  // namespace
}  // namespace llmsweep

// How often the gate is right: seeded trials with log-normal run-to-run noise of 2 %.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "analysis/make_result.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/base/random.h"
#include "llmsweep/stats/spending.h"
#include "stats/documented_table.h"

namespace llmsweep {
namespace {

constexpr double kNoise = 0.02;
constexpr double kTolerance = 0.03;
constexpr double kLimitMs = 15'000;
// The table is of 4,000; each test run holds 250 against it.
const int kTrials = testing::writes_documents() ? 4'000 : 250;
constexpr int kMostRepeats = 8;

// Four standard errors of the documented share, in points.
double tolerance_of(double percent) {
  const double share = std::clamp(percent / 100, 0.02, 0.98);
  return 400 * std::sqrt(share * (1 - share) / kTrials);
}
// What 5 % may be measured as: three standard errors more.
double most_of_five_percent() {
  return 0.05 + 3 * std::sqrt(0.05 * 0.95 / kTrials);
}

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

GateLooks looks_to_eight(int repeats) {
  return {
      .first = repeats, .last = kMostRepeats, .levels = spending_levels({repeats, kMostRepeats})};
}

// A repeat is added while the gate is inconclusive, up to `most`, all of them kept.
GateOutcome outcome_with_added(SweepResult result, const SweepResult* baseline,
                               const GatePolicy& policy, size_t most, double median_ms,
                               Random& random) {
  LevelStats& level = result.levels.front();
  GateReport report = gate(result, baseline, policy);
  while (!levels_needing_repeats(report).empty() && level.runs.size() < most) {
    const int repeat = static_cast<int>(level.runs.size());
    level.runs.push_back(testing::make_run(8, noisy(median_ms, random), repeat));
    report = gate(result, baseline, policy);
  }
  return report.lines.front().outcome;
}

Rates added_repeats_rates(double excess, int repeats) {
  const GatePolicy policy = require_policy();
  const GateLooks looks = looks_to_eight(repeats);
  const double median_ms = kLimitMs * (1 + excess);
  Random random(82);
  Rates rates;
  for (int trial = 0; trial < kTrials; ++trial) {
    SweepResult result = result_of(median_ms, repeats, random);
    result.looks = looks;
    rates[outcome_with_added(result, nullptr, policy, kMostRepeats, median_ms, random)] +=
        1.0 / kTrials;
  }
  return rates;
}

// Planned to eight, and resumed with up to 16 where that did not decide.
Rates raised_repeats_rates(double excess, int repeats) {
  const GatePolicy policy = require_policy();
  GateLooks looks = looks_to_eight(repeats);
  looks.endless = true;
  const double median_ms = kLimitMs * (1 + excess);
  Random random(85);
  Rates rates;
  for (int trial = 0; trial < kTrials; ++trial) {
    SweepResult result = result_of(median_ms, repeats, random);
    result.looks = looks;
    rates[outcome_with_added(result, nullptr, policy, 16, median_ms, random)] += 1.0 / kTrials;
  }
  return rates;
}

// Against a baseline of as many runs as at the first look, which stays as it is.
Rates added_no_worse_rates(double excess, int repeats) {
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 3%")}};
  const GateLooks looks = looks_to_eight(repeats);
  const double median_ms = kLimitMs * (1 + excess);
  Random random(86, static_cast<uint64_t>(repeats));
  Rates rates;
  for (int trial = 0; trial < kTrials; ++trial) {
    const SweepResult baseline = result_of(kLimitMs, repeats, random);
    SweepResult result = result_of(median_ms, repeats, random);
    result.looks = looks;
    rates[outcome_with_added(result, &baseline, policy, kMostRepeats, median_ms, random)] +=
        1.0 / kTrials;
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
      EXPECT_LE(at_edge[GateOutcome::kFail], most_of_five_percent()) << repeats;
      EXPECT_LE(at_edge[GateOutcome::kPass], most_of_five_percent()) << repeats;
      EXPECT_EQ(at_edge[GateOutcome::kInvalid], 0);
    }
    EXPECT_LE(rates_at(0, 3)[GateOutcome::kFail], 0.02);
    EXPECT_LE(rates_at(0.08, 3)[GateOutcome::kPass], 0.02);
    EXPECT_GE(rates_at(-0.05, 3)[GateOutcome::kPass], 0.93);
    EXPECT_GE(rates_at(0.12, 3)[GateOutcome::kFail], 0.93);
  }
}

// However often it looked: 5 % over all looks that were planned.
TEST(GateDecision, IsWrongAtMostFivePercentOfTheTimeWhereRepeatsAreAdded) {
  for (const auto& rates_at : {added_repeats_rates, added_no_worse_rates}) {
    Rates at_edge = rates_at(kTolerance, 3);
    EXPECT_LE(at_edge[GateOutcome::kFail], most_of_five_percent());
    EXPECT_LE(at_edge[GateOutcome::kPass], most_of_five_percent());
  }
  Rates raised = raised_repeats_rates(kTolerance, 3);  // 5 % more may be spent, hardly any is
  EXPECT_LE(raised[GateOutcome::kFail], most_of_five_percent() + 0.02);
  EXPECT_LE(raised[GateOutcome::kPass], most_of_five_percent() + 0.02);
  Rates at_limit = added_repeats_rates(0, 3);
  EXPECT_LE(at_limit[GateOutcome::kFail], 0.02);
  EXPECT_GE(at_limit[GateOutcome::kPass], 0.93);
  EXPECT_LE(added_repeats_rates(0.08, 3)[GateOutcome::kPass], 0.02);
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
  testing::expect_documented("gate",
                             table_of({{"3 repeats", require_rates, 3},
                                       {"5 repeats", require_rates, 5},
                                       {"3 to 8, added", added_repeats_rates, 3},
                                       {"to 16, raised", raised_repeats_rates, 3}}),
                             tolerance_of);
}

TEST(GateDecision, BehavesAsDocumentedAgainstABaseline) {
  testing::expect_documented("no-worse",
                             table_of({{"3 repeats", no_worse_rates, 3},
                                       {"5 repeats", no_worse_rates, 5},
                                       {"3 to 8, added", added_no_worse_rates, 3}}),
                             tolerance_of);
}

}  // namespace
}  // namespace llmsweep

// How often the program's verdicts are wrong where there is nothing to find: seeded sweeps of eight
// levels, visited upwards and downwards in turns, with run-to-run noise of 2 % that is independent;
// with a system that drifts besides; with sessions of measurement that differ. The table is of
// 1,500 trials (LLMSWEEP_WRITE_DOCS); each test run takes fewer and holds them against it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "analysis/make_result.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/base/random.h"
#include "llmsweep/stats/drift.h"
#include "llmsweep/stats/spending.h"
#include "stats/documented_table.h"

namespace llmsweep {
namespace {

constexpr int kLevels = 8;
constexpr double kRunNoise = 0.02;
constexpr double kSessionNoise = 0.01;  // as a policy assumes
constexpr double kDrift = 0.01;         // its standard deviation
constexpr double kDriftRuns = 14;       // after which it has forgotten itself

enum class NoiseKind { kIndependent, kDrifting, kSessions };

class NoisySystem {
 public:
  NoisySystem(NoiseKind kind, uint64_t seed) : kind_(kind), random_(92, seed) {}

  // One sweep, `sweep_day` days after the first: sweeps of two days are two sessions.
  SweepResult sweep(int repeats, double factor, int sweep_day) {
    session_ = kind_ == NoiseKind::kSessions ? kSessionNoise * random_.normal() : 0;
    std::vector<std::vector<double>> e2e(kLevels);
    std::vector<std::vector<double>> at(kLevels);
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (int step = 0; step < kLevels; ++step) {
        const auto level = static_cast<size_t>(repeat % 2 == 0 ? step : kLevels - 1 - step);
        e2e[level].push_back(next_run(factor));
        at[level].push_back(10.0 * (repeat * kLevels + step));
      }
    }
    testing::Levels levels;
    for (size_t i = 0; i < kLevels; ++i) levels.emplace_back(1 << i, e2e[i]);
    SweepResult result = testing::make_result("trial", 1, levels);
    for (size_t i = 0; i < kLevels; ++i) {
      for (size_t r = 0; r < at[i].size(); ++r) result.levels[i].runs[r].started_s = at[i][r];
    }
    if (kind_ == NoiseKind::kSessions) {
      result.created_at =
          fmt::format("2026-{:02}-{:02}T02:00:00Z", 1 + sweep_day / 28 % 12, 1 + sweep_day % 28);
    }
    return result;
  }

  // One more run, right after the last one and in its session.
  double next_run(double factor) {
    const double forget = std::exp(-1 / kDriftRuns);
    drift_ = forget * drift_ + std::sqrt(1 - forget * forget) * random_.normal();
    const double slow = kind_ == NoiseKind::kDrifting ? kDrift * drift_ : 0;
    return 5'000 * factor * std::exp(session_ + slow + kRunNoise * random_.normal());
  }

 private:
  NoiseKind kind_;
  Random random_;
  double session_ = 0;
  double drift_ = 0;
};

struct Share {
  int wrong = 0, of = 0;

  void count(bool is_wrong) {
    wrong += is_wrong ? 1 : 0;
    ++of;
  }
  double value() const { return static_cast<double>(wrong) / of; }
};

bool says_a_difference(const std::optional<Verdict>& verdict) {
  return verdict == Verdict::kBetter || verdict == Verdict::kWorse;
}

bool any_row_differs(const Comparison& comparison) {
  for (const LevelComparison& level : comparison.levels) {
    for (const auto& [measure, ratio] : level.measures) {
      if (ratio && says_a_difference(ratio->verdict)) return true;
    }
  }
  for (const auto& [measure, ratio] : comparison.sweep) {
    if (ratio && says_a_difference(ratio->verdict)) return true;
  }
  return false;
}

bool a_headline_differs(const Comparison& comparison) {
  for (const Headline& headline : comparison.headlines) {
    if (says_a_difference(headline.verdict)) return true;
  }
  return false;
}

// One row of the table: what was claimed of equal systems, or of one at the edge of its limit.
struct Claim {
  const char* name;
  bool (*is_wrong)(NoisySystem& system);  // one trial
};

bool family_of_three(NoisySystem& system) {
  const SweepResult a = system.sweep(3, 1, 0), b = system.sweep(3, 1, 1);
  return any_row_differs(compare(a, b));
}
bool family_of_five(NoisySystem& system) {
  const SweepResult a = system.sweep(5, 1, 0), b = system.sweep(5, 1, 1);
  return any_row_differs(compare(a, b));
}
bool headline_of_three(NoisySystem& system) {
  const SweepResult a = system.sweep(3, 1, 0), b = system.sweep(3, 1, 1);
  return a_headline_differs(compare(a, b));
}
bool headline_of_five(NoisySystem& system) {
  const SweepResult a = system.sweep(5, 1, 0), b = system.sweep(5, 1, 1);
  return a_headline_differs(compare(a, b));
}

GateOutcome no_worse_at_the_edge(NoisySystem& system) {
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 3%")}};
  const SweepResult baseline = system.sweep(3, 1, 0), result = system.sweep(3, 1.03, 1);
  return gate(result, &baseline, policy).outcome;
}
bool no_worse_passes(NoisySystem& system) {
  return no_worse_at_the_edge(system) == GateOutcome::kPass;
}
bool no_worse_fails(NoisySystem& system) {
  return no_worse_at_the_edge(system) == GateOutcome::kFail;
}

// Five baselines, a day apart each, which measure what lies between them.
GateOutcome no_worse_than_five(NoisySystem& system) {
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 3%")}};
  std::vector<SweepResult> baselines;
  for (int day = 0; day < 5; ++day) {
    baselines.push_back(system.sweep(3, 1, day));
    baselines.back().created_at = fmt::format("2026-01-{:02}T02:00:00Z", 1 + day);
  }
  return gate(system.sweep(3, 1.03, 6), baselines, policy).outcome;
}
bool five_nights_pass(NoisySystem& system) {
  return no_worse_than_five(system) == GateOutcome::kPass;
}
bool five_nights_fail(NoisySystem& system) {
  return no_worse_than_five(system) == GateOutcome::kFail;
}

GateOutcome limit_at_the_edge(NoisySystem& system, int repeats) {
  const GatePolicy policy{.rules = {parse_require("e2e:p50@c8 <= 5s")}};
  return gate(system.sweep(repeats, 1, 0), nullptr, policy).outcome;
}
bool limit_passes(NoisySystem& system) {
  return limit_at_the_edge(system, 3) == GateOutcome::kPass;
}
bool limit_fails(NoisySystem& system) {
  return limit_at_the_edge(system, 3) == GateOutcome::kFail;
}

// Three repeats, and one more of the level while the gate is inconclusive, up to eight.
GateOutcome with_added_repeats(NoisySystem& system, SweepResult result, const SweepResult* baseline,
                               const GatePolicy& policy, double factor) {
  constexpr int kFirst = 3, kLast = 8;
  result.looks = {.first = kFirst, .last = kLast, .levels = spending_levels({kFirst, kLast})};
  const auto level =
      std::find_if(result.levels.begin(), result.levels.end(),
                   [](const LevelStats& each) { return each.point == at_concurrency(8); });
  GateReport report = gate(result, baseline, policy);
  while (!levels_needing_repeats(report).empty() && level->runs.size() < kLast) {
    const int repeat = static_cast<int>(level->runs.size());
    level->runs.push_back(testing::make_run(8, system.next_run(factor), repeat));
    report = gate(result, baseline, policy);
  }
  return report.outcome;
}
GateOutcome limit_with_added_repeats(NoisySystem& system) {
  const GatePolicy policy{.rules = {parse_require("e2e:p50@c8 <= 5s")}};
  return with_added_repeats(system, system.sweep(3, 1, 0), nullptr, policy, 1);
}
bool added_limit_passes(NoisySystem& system) {
  return limit_with_added_repeats(system) == GateOutcome::kPass;
}
bool added_limit_fails(NoisySystem& system) {
  return limit_with_added_repeats(system) == GateOutcome::kFail;
}
GateOutcome no_worse_with_added_repeats(NoisySystem& system) {
  const GatePolicy policy{.rules = {parse_no_worse("e2e:p50@c8 by 3%")}};
  const SweepResult baseline = system.sweep(3, 1, 0);
  return with_added_repeats(system, system.sweep(3, 1.03, 1), &baseline, policy, 1.03);
}
bool added_no_worse_passes(NoisySystem& system) {
  return no_worse_with_added_repeats(system) == GateOutcome::kPass;
}
bool added_no_worse_fails(NoisySystem& system) {
  return no_worse_with_added_repeats(system) == GateOutcome::kFail;
}

bool drift_is_warned_of(NoisySystem& system) {
  return drift_of(system.sweep(5, 1, 0).levels, measure_of("e2e"))->exceeds_the_interval();
}

const Claim kClaims[] = {
    {"compare, any of 45 rows, 3 repeats", family_of_three},
    {"compare, any of 45 rows, 5 repeats", family_of_five},
    {"compare, a headline, 3 repeats", headline_of_three},
    {"compare, a headline, 5 repeats", headline_of_five},
    {"`require` at the edge: PASS", limit_passes},
    {"`require` at the edge: FAIL", limit_fails},
    {"`no_worse` at the edge, one baseline: PASS", no_worse_passes},
    {"`no_worse` at the edge, one baseline: FAIL", no_worse_fails},
    {"`no_worse` at the edge, five baselines: PASS", five_nights_pass},
    {"`no_worse` at the edge, five baselines: FAIL", five_nights_fail},
    {"`require` at the edge, 3 to 8 repeats: PASS", added_limit_passes},
    {"`require` at the edge, 3 to 8 repeats: FAIL", added_limit_fails},
    {"`no_worse` at the edge, 3 to 8 repeats: PASS", added_no_worse_passes},
    {"`no_worse` at the edge, 3 to 8 repeats: FAIL", added_no_worse_fails},
    {"the drift is warned of, 5 repeats", drift_is_warned_of},
};

double rate(const Claim& claim, NoiseKind kind, int trials) {
  NoisySystem system(kind, static_cast<uint64_t>(kind));
  Share share;
  for (int trial = 0; trial < trials; ++trial) share.count(claim.is_wrong(system));
  return share.value();
}

// A limit speaks of the session that was measured.
bool is_of_one_session(const Claim& claim) {
  return claim.is_wrong == limit_passes || claim.is_wrong == limit_fails ||
         claim.is_wrong == added_limit_passes || claim.is_wrong == added_limit_fails ||
         claim.is_wrong == drift_is_warned_of;
}

// Of a system that drifts nothing is claimed but that it is warned of.
TEST(Verdicts, AreWrongAsOftenAsIsDocumentedAndNoMoreThanIsClaimed) {
#ifdef NDEBUG
  constexpr int kEachTime = 100;
#else
  constexpr int kEachTime = 20;  // a minute more of a build that is not optimised shows no more
#endif
  const int trials = testing::writes_documents() ? 1'500 : kEachTime;
  const double most = 0.05 + 4 * std::sqrt(0.05 * 0.95 / trials);  // there are many rows
  std::string table =
      "| of equal systems, or at the edge of a limit | claimed | independent | drifting | two "
      "sessions "
      "|\n|---|---|---|---|---|\n";
  for (const Claim& claim : kClaims) {
    const bool claimed = claim.is_wrong != drift_is_warned_of;
    table += fmt::format("| {} | {} |", claim.name, claimed ? "5 %" : "–");
    for (const NoiseKind kind :
         {NoiseKind::kIndependent, NoiseKind::kDrifting, NoiseKind::kSessions}) {
      if (kind == NoiseKind::kSessions && is_of_one_session(claim)) {
        table += " – |";
        continue;
      }
      const double wrong = rate(claim, kind, trials);
      if (claimed && kind != NoiseKind::kDrifting) {
        EXPECT_LE(wrong, most) << claim.name;
      }
      table += fmt::format(" {:.1f} % |", 100 * wrong);
    }
    table += "\n";
  }
  // Four standard errors of either, in points.
  testing::expect_documented("verdicts", table, [trials](double percent) {
    const double share = std::clamp(percent / 100, 0.02, 0.98);
    return 400 * std::sqrt(share * (1 - share) / trials);
  });
}

}  // namespace
}  // namespace llmsweep

// How often a comparison side by side, and one of two sweeps one after the other, find a difference
// between equal systems that drift: the simulated engine in virtual time, seven levels, five
// rounds. The table is of 400 trials (LLMSWEEP_WRITE_DOCS); each test run takes fewer.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "analysis/make_result.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/random.h"
#include "llmsweep/sweep/versus.h"
#include "simulator/closed_loop.h"
#include "stats/documented_table.h"

namespace llmsweep {
namespace {

constexpr std::array kConcurrencies = {1, 2, 3, 4, 5, 6, 8};
constexpr int kRounds = 5;
constexpr double kNoiseOfARun = 0.01;
constexpr Duration kRunTime = std::chrono::milliseconds(50);  // about, of one level

struct Condition {
  const char* name;
  EngineDrift drift;
};

EngineDrift drifting(DriftKind kind, double share, int runs) {
  return {.kind = kind, .share = share, .period = kRunTime * runs};
}

std::vector<Condition> conditions() {
  return {{"none", {}},
          {"walk of 1 %, forgotten after 14 runs", drifting(DriftKind::kWalk, 0.01, 14)},
          {"walk of 2 %, 14 runs", drifting(DriftKind::kWalk, 0.02, 14)},
          {"walk of 2 %, 56 runs", drifting(DriftKind::kWalk, 0.02, 56)},
          {"walk of 4 %, 14 runs", drifting(DriftKind::kWalk, 0.04, 14)},
          {"swing of 2 % in 28 runs", drifting(DriftKind::kSine, 0.02, 28)},
          {"ramp of 2 % over the comparison", drifting(DriftKind::kRamp, 0.02, 70)},
          {"ramp of 4 % over the comparison", drifting(DriftKind::kRamp, 0.04, 70)}};
}

// Two systems on one clock, of which one is measured at a time.
class TwoSystems {
 public:
  TwoSystems(const EngineDrift& drift, double factor_of_b, uint64_t seed)
      : random_(93, seed), drift_(drift), factor_of_b_(factor_of_b) {
    drift_.seed = seed;
    // Anywhere in what repeats.
    now_ = from_ns(1'000'000'000) + Duration(static_cast<int64_t>(random_.uniform() * 20e9));
    began_ = now_;
  }

  void measure(bool is_b, int concurrency) {
    EngineProfile profile;
    profile.step.base = std::chrono::milliseconds(1);
    profile.step.per_sequence = std::chrono::microseconds(20);
    if (is_b) {
      profile.step.base *= factor_of_b_;
      profile.step.per_sequence *= factor_of_b_;
    }
    profile.run_noise = kNoiseOfARun;
    profile.drift = drift_;
    const sim::LoopResult loop = sim::run_closed_loop(profile, {.concurrency = concurrency,
                                                                .input_tokens = 8,
                                                                .output_tokens = 4,
                                                                .warmup_per_slot = 0,
                                                                .requests_per_slot = 1,
                                                                .seed = random_.next(),
                                                                .start = now_});
    auto& [e2e, at] = runs_[is_b ? 1 : 0][concurrency];
    e2e.push_back(loop.e2e_p50_ms);
    at.push_back(to_seconds(now_ - began_));
    now_ = std::max(now_ + kRunTime, loop.measured.back().last_token);
  }

  std::array<SweepResult, 2> results(const std::string& pairing) const {
    std::array<SweepResult, 2> results;
    for (size_t side = 0; side < 2; ++side) {
      testing::Levels levels;
      for (const int c : kConcurrencies) levels.emplace_back(c, runs_[side].at(c).e2e);
      results[side] = testing::make_result(side == 0 ? "a" : "b", 1, levels);
      for (LevelStats& level : results[side].levels) {
        const std::vector<double>& at = runs_[side].at(level.point.concurrency()).at;
        for (size_t r = 0; r < at.size(); ++r) level.runs[r].started_s = at[r];
      }
      if (!pairing.empty()) {
        results[side].pairing = Pairing{.id = pairing, .side = side == 0 ? "a" : "b", .order = {}};
      }
    }
    return results;
  }

 private:
  struct Runs {
    std::vector<double> e2e, at;
  };
  Random random_;
  EngineDrift drift_;
  double factor_of_b_;
  Instant now_{}, began_{};
  std::array<std::map<int, Runs>, 2> runs_;
};

std::vector<LoadPoint> round_of(int round) {
  std::vector<LoadPoint> points;
  for (const int c : kConcurrencies) points.push_back(at_concurrency(c));
  if (round % 2 == 1) std::reverse(points.begin(), points.end());
  return points;
}

Comparison side_by_side(const EngineDrift& drift, double factor_of_b, uint64_t seed) {
  TwoSystems systems(drift, factor_of_b, seed);
  std::vector<std::vector<LoadPoint>> rounds;
  for (int round = 0; round < kRounds; ++round) rounds.push_back(round_of(round));
  for (const PairOrder& pair : pair_order(rounds, PairRule::kRandom, seed)) {
    systems.measure(!pair.a_first, pair.point.concurrency());
    systems.measure(pair.a_first, pair.point.concurrency());
  }
  const auto results = systems.results("trial");
  return compare(results[0], results[1]);
}

Comparison one_after_the_other(const EngineDrift& drift, uint64_t seed) {
  TwoSystems systems(drift, 1, seed);
  for (const bool is_b : {false, true}) {
    for (int round = 0; round < kRounds; ++round) {
      for (const LoadPoint point : round_of(round)) systems.measure(is_b, point.concurrency());
    }
  }
  const auto results = systems.results("");
  return compare(results[0], results[1]);
}

// Of the ratio of the median E2E over the sweep.
struct Tally {
  int trials = 0, found = 0;
  double half_widths = 0;

  void count(const Comparison& comparison) {
    const Ratio& ratio = *comparison.sweep_ratio_of(measure_of("e2e"));
    ++trials;
    found += ratio.ci95->low > 1 || ratio.ci95->high < 1 ? 1 : 0;
    half_widths += std::log(ratio.ci95->high / ratio.ci95->low) / 2;
  }
  double percent() const { return 100.0 * found / trials; }
  double half_width_percent() const { return 100 * half_widths / trials; }
};

TEST(Versus, FindsNoDifferenceBetweenEqualSystemsMoreOftenThanItClaims) {
#ifdef NDEBUG
  constexpr int kEachTime = 100;
#else
  constexpr int kEachTime = 15;
#endif
  const int trials = testing::writes_documents() ? 400 : kEachTime;
  const double error = 400 * std::sqrt(0.05 * 0.95 / trials);  // four standard errors, in points
  std::string table =
      "| drift of both | side by side: equal, called different | ± | 3 % slower, found | one after "
      "the other: equal, called different | ± |\n|---|---|---|---|---|---|\n";
  for (const Condition& condition : conditions()) {
    Tally paired, slower, sequential;
    for (int trial = 0; trial < trials; ++trial) {
      const auto seed = static_cast<uint64_t>(trial);
      paired.count(side_by_side(condition.drift, 1, seed));
      slower.count(side_by_side(condition.drift, 1.03, seed));
      sequential.count(one_after_the_other(condition.drift, seed));
    }
    EXPECT_NEAR(paired.percent(), 5, 2 + error) << condition.name;
    EXPECT_GE(slower.percent(), 80 - 400 * std::sqrt(0.8 * 0.2 / trials)) << condition.name;
    table += fmt::format("| {} | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n",
                         condition.name, paired.percent(), paired.half_width_percent(),
                         slower.percent(), sequential.percent(), sequential.half_width_percent());
  }
  testing::expect_documented("versus", table, [trials](double percent) {
    const double share = std::clamp(percent / 100, 0.02, 0.98);
    return 400 * std::sqrt(share * (1 - share) / trials) + 0.2;
  });
}

}  // namespace
}  // namespace llmsweep

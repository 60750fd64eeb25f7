#include "llmsweep/stats/confirm_users.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/users_at_target.h"
#include "stats/documented_table.h"

namespace llmsweep {
namespace {

const Target kInFifteenSeconds{.max = std::chrono::seconds(15)};

RunStats run_of(double e2e_ms, int repeat, bool confirming) {
  RunStats run{.repeat = repeat, .confirming = confirming};
  run.requests.completed = 100;
  run.e2e = {.count = 100, .mean = e2e_ms, .min = e2e_ms, .max = e2e_ms, .p50 = e2e_ms};
  return run;
}

LevelStats level_of_runs(int concurrency, const std::vector<double>& search,
                         const std::vector<double>& fresh) {
  LevelStats level{.point = at_concurrency(concurrency)};
  for (const double e2e : search) {
    level.runs.push_back(run_of(e2e, static_cast<int>(level.runs.size()), false));
  }
  for (const double e2e : fresh) {
    level.runs.push_back(run_of(e2e, static_cast<int>(level.runs.size()), true));
  }
  level.pooled = level.runs.front();
  return level;
}

Confirmed state_of(const LevelStats& level) {
  const LevelStats* one[] = {&level};
  return confirmed_levels(one, kInFifteenSeconds).front();
}

TEST(ConfirmedLevels, AreToldByFreshRunsAlone) {
  EXPECT_EQ(state_of(level_of_runs(8, {10'000, 10'010, 10'020}, {})), Confirmed::kOpen);
  EXPECT_EQ(state_of(level_of_runs(8, {10'000}, {10'000, 10'010})), Confirmed::kOpen);
  EXPECT_EQ(state_of(level_of_runs(8, {10'000}, {10'000, 10'010, 10'020})), Confirmed::kPasses);
  EXPECT_EQ(state_of(level_of_runs(8, {10'000}, {16'000, 16'010, 16'020})), Confirmed::kMisses);
}

// t(2, 1 - 0.00625) is 8.86: sd 0.01 of three runs asks for 5.1 %.
TEST(ConfirmedLevels, TakeASixteenthOfTenPercentAtEachLook) {
  const auto around = [](double middle) {
    return std::vector{middle * std::exp(-0.01), middle, middle * std::exp(0.01)};
  };
  EXPECT_EQ(state_of(level_of_runs(8, {1}, around(15'000 / 1.055))), Confirmed::kPasses);
  EXPECT_EQ(state_of(level_of_runs(8, {1}, around(15'000 / 1.048))), Confirmed::kOpen);
  EXPECT_EQ(state_of(level_of_runs(8, {1}, around(15'000 * 1.055))), Confirmed::kMisses);
}

TEST(ConfirmedLevels, KeepWhatALookHasSaid) {
  std::vector<double> runs = {10'000, 10'010, 10'020};
  for (int i = 0; i < 9; ++i) runs.push_back(20'000);
  EXPECT_EQ(state_of(level_of_runs(8, {1}, runs)), Confirmed::kPasses);
}

TEST(UsersAtTarget, TakeConfirmedEndsBeforeTheFigures) {
  const std::vector<double> low = {14'000, 14'010, 14'020}, high = {16'000, 16'010, 16'020};
  const std::vector<LevelStats> levels = {
      level_of_runs(19, {14'000, 14'000}, low), level_of_runs(20, {14'900, 14'900}, {}),
      level_of_runs(21, {15'100, 15'100}, {}), level_of_runs(22, {16'000, 16'000}, high)};
  const UsersAtTarget users = users_at_target(levels, kInFifteenSeconds, 1);
  EXPECT_TRUE(users.confirmed);
  EXPECT_EQ(users.c_pass, 19);
  EXPECT_EQ(users.c_fail, 22);
  EXPECT_EQ(users.confirmed_error, 0.05);
  EXPECT_FALSE(users.c_interpolated_ci95);  // 22 / 19 is over 1.1
  EXPECT_FALSE(next_refine_step(levels, kInFifteenSeconds));
}

TEST(UsersAtTarget, AreNotConfirmedByAFigureAndOneEnd) {
  const std::vector<LevelStats> levels = {
      level_of_runs(20, {14'900, 14'900}, {14'000, 14'010, 14'020}),
      level_of_runs(21, {15'100, 15'100}, {})};
  const UsersAtTarget users = users_at_target(levels, kInFifteenSeconds, 1);
  EXPECT_FALSE(users.confirmed);
  EXPECT_EQ(users.c_pass, 20);
  EXPECT_EQ(users.c_fail, 21);
}

TEST(NextRefineStep, BisectsThenRunsTheEndsInTurns) {
  std::vector<LevelStats> levels = {level_of_runs(16, {13'000}, {}),
                                    level_of_runs(32, {20'000}, {})};
  EXPECT_EQ(next_refine_step(levels, kInFifteenSeconds), (RefineStep{at_concurrency(23), false}));
  levels = {level_of_runs(20, {14'500}, {}), level_of_runs(21, {15'500}, {})};
  EXPECT_EQ(next_refine_step(levels, kInFifteenSeconds), (RefineStep{at_concurrency(20), true}));
  levels[0] = level_of_runs(20, {14'500}, {14'500});
  EXPECT_EQ(next_refine_step(levels, kInFifteenSeconds), (RefineStep{at_concurrency(21), true}));
}

TEST(NextRefineStep, LeavesAnEndThatStaysOpenForOneFurtherOut) {
  const std::vector<double> open = {14'000, 16'000, 14'500, 15'500, 14'900,
                                    15'200, 14'000, 16'000, 14'800};
  std::vector<LevelStats> levels = {level_of_runs(20, {14'900}, open),
                                    level_of_runs(21, {15'500}, open)};
  EXPECT_EQ(next_refine_step(levels, kInFifteenSeconds), (RefineStep{at_concurrency(19), false}));
  levels.push_back(level_of_runs(19, {14'000}, {}));
  levels.push_back(level_of_runs(23, {16'000}, {}));
  EXPECT_EQ(next_refine_step(levels, kInFifteenSeconds), (RefineStep{at_concurrency(19), true}));
}

TEST(NextRefineStep, EndsWhereALevelHasNoSuchFigure) {
  std::vector<LevelStats> levels = {level_of_runs(1, {14'000}, std::vector<double>(9, 15'000.0)),
                                    level_of_runs(2, {16'000}, {16'000, 16'010, 16'020})};
  levels[0].runs[1].e2e.p50 = 14'990;
  levels[0].runs[2].e2e.p50 = 15'010;
  EXPECT_FALSE(next_refine_step(levels, kInFifteenSeconds));  // nobody is fewer than one
  EXPECT_FALSE(next_refine_step({}, kInFifteenSeconds));
}

// How a sweep with refine goes on a system whose latency is L1 (1 + k c^b) with noise in each run.
struct System {
  double first_ms, factor, power;
  double at(int concurrency) const {
    return first_ms * (1 + factor * std::pow(concurrency, power));
  }
};
struct Refined {
  int sweeps = 0, confirmed = 0;
  int wrong_before = 0, wrong = 0;  // the bracket misses the crossing: by figures, by fresh runs
  double fresh = 0;                 // runs
};

class Noise {
 public:
  Noise(double sd, double drift, uint64_t seed) : sd_(sd), drift_(drift), random_(seed) {}
  double factor() {
    slow_ = 0.9 * slow_ + std::sqrt(1 - 0.81) * random_.normal();
    return std::exp(sd_ * random_.normal() + drift_ * slow_);
  }
  Random& random() { return random_; }

 private:
  double sd_, drift_;
  double slow_ = 0;
  Random random_;
};

bool holds(const UsersAtTarget& users, const System& system) {
  const double max = to_ms(kInFifteenSeconds.max);
  return system.at(*users.c_pass) <= max && system.at(*users.c_fail) > max;
}

Refined refined(double sd, double drift, int sweeps) {
  Noise noise(sd, drift, 87);
  Refined rates;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    const double crossing = 3 * std::pow(50.0, noise.random().uniform());
    System system{.first_ms = 5'000, .factor = 0, .power = 0.5 + noise.random().uniform()};
    system.factor = 2 / std::pow(crossing, system.power);
    std::vector<LevelStats> levels;
    const auto run = [&](int concurrency) { return system.at(concurrency) * noise.factor(); };
    const auto search = [&](int concurrency) {
      levels.push_back(
          level_of_runs(concurrency, {run(concurrency), run(concurrency), run(concurrency)}, {}));
    };
    for (int concurrency = 1; concurrency <= 256; concurrency *= 2) search(concurrency);
    bool counted = false;
    while (const auto step = next_refine_step(levels, kInFifteenSeconds)) {
      const int concurrency = step->point.concurrency();
      if (!step->confirming) {
        search(concurrency);
        continue;
      }
      if (!counted) {
        counted = true;
        rates.wrong_before += holds(users_at_target(levels, kInFifteenSeconds, 1), system) ? 0 : 1;
      }
      for (LevelStats& level : levels) {
        if (level.point != step->point) continue;
        level.runs.push_back(run_of(run(concurrency), static_cast<int>(level.runs.size()), true));
        rates.fresh += 1.0 / sweeps;
      }
    }
    const UsersAtTarget users = users_at_target(levels, kInFifteenSeconds, 1);
    ++rates.sweeps;
    if (!users.confirmed) continue;
    ++rates.confirmed;
    if (!holds(users, system)) ++rates.wrong;
  }
  return rates;
}

TEST(NextRefineStep, ConfirmsBracketsThatAreRightNineteenTimesInTwenty) {
  constexpr int kSweeps = 150;  // two standard errors of 5 % are 3.6 %
  for (const double sd : {0.01, 0.04}) {
    const Refined rates = refined(sd, 0, kSweeps);
    EXPECT_LE(rates.wrong, kSweeps * 0.05 + 2 * std::sqrt(kSweeps * 0.05 * 0.95)) << sd;
    EXPECT_GE(rates.confirmed, kSweeps / 2) << sd;
    EXPECT_GE(rates.wrong_before, rates.wrong) << sd;
  }
}

TEST(NextRefineStep, BehavesAsDocumented) {
  constexpr int kSweeps = 300;
  std::string table =
      "| noise of a run | wrong by figures | confirmed | wrong though confirmed | fresh runs |\n"
      "|---|---|---|---|---|\n";
  const struct {
    const char* name;
    double sd, drift;
  } rows[] = {{"1 %", 0.01, 0},
              {"2 %", 0.02, 0},
              {"4 %", 0.04, 0},
              {"2 %, drifting by 1 % over ten runs", 0.02, 0.01}};
  for (const auto& row : rows) {
    const Refined rates = refined(row.sd, row.drift, kSweeps);
    const auto share = [](int count, int of) {
      return fmt::format("{:.1f} %", of > 0 ? 100.0 * count / of : 0.0);
    };
    table += fmt::format(
        "| {} | {} | {} | {} | {:.1f} |\n", row.name, share(rates.wrong_before, rates.sweeps),
        share(rates.confirmed, rates.sweeps), share(rates.wrong, rates.sweeps), rates.fresh);
  }
  testing::expect_documented("users", table);
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/stats/cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "llmsweep/stats/level_figure.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

SystemSpec of_gpus(int gpus) {
  return {.gpus = gpus};
}

PriceSpec priced(double gpu_hour) {
  return {.gpu_hour = gpu_hour, .source = "a contract", .date = "2026-11-28"};
}

RunStats run_of(double output_tps, std::optional<double> total_tps = std::nullopt) {
  RunStats run;
  run.steady_output_throughput_tps = output_tps;
  run.total_throughput_tps = total_tps;
  return run;
}

EnergyReading reading(EnergyBasis basis, double joules, double tokens, double error) {
  return {.basis = basis,
          .joules = joules,
          .error_j = error,
          .tokens = tokens,
          .j_per_output_token = joules / tokens,
          .missing = {}};
}

// Three runs of 1,000, 1,100 and 1,210 tokens/s.
LevelStats three_runs(const SystemSpec& system, const PriceSpec& prices) {
  LevelStats level = testing::level_of(8, 1500, {1400, 1500, 1600});
  for (RunStats& run : level.runs) {
    run.steady_output_throughput_tps = 1000 * std::pow(1.1, run.repeat);
    fill_costs(run, system, prices);
  }
  level.pooled.steady_output_throughput_tps = 1100;
  return level;
}

TEST(Costs, AreThePriceOfTheGpusTimeOverTheTokensOfIt) {
  RunStats run = run_of(1000, 9000);
  fill_costs(run, of_gpus(8), priced(1.8));
  // 14.4 an hour, in which 3.6 million tokens come, and 32.4 million go in or come.
  EXPECT_DOUBLE_EQ(*run.cost_per_million_output_tokens, 4);
  EXPECT_DOUBLE_EQ(*run.cost_per_million_tokens, 14.4 / 32.4);
}

TEST(Costs, AreNoneWithoutGpusAPriceOrWhoSaysItAndWhen) {
  PriceSpec undated = priced(1.8);
  undated.date.clear();
  PriceSpec by_nobody = priced(1.8);
  by_nobody.source.clear();
  const std::pair<SystemSpec, PriceSpec> cases[] = {{of_gpus(0), priced(1.8)},
                                                    {of_gpus(8), PriceSpec{}},
                                                    {of_gpus(8), undated},
                                                    {of_gpus(8), by_nobody}};
  for (const auto& [system, prices] : cases) {
    RunStats run = run_of(1000, 9000);
    fill_costs(run, system, prices);
    EXPECT_FALSE(run.cost_per_million_output_tokens);
    EXPECT_FALSE(run.cost_per_million_tokens);
  }
  RunStats idle;
  fill_costs(idle, of_gpus(8), priced(1.8));
  EXPECT_FALSE(idle.cost_per_million_output_tokens) << "no throughput";
}

TEST(Costs, FollowTheThroughputThatTheyAreComparedBy) {
  RunStats run = run_of(1000);
  run.output_throughput_tps = 800;
  fill_costs(run, of_gpus(8), priced(1.8));
  EXPECT_DOUBLE_EQ(*value_of(run, measure_of("cost")), 4);
  EXPECT_DOUBLE_EQ(*value_of(run, measure_of("cost"), {.with_drain = true}), 5);
}

TEST(Energies, OfStatedPowerAreWattsOverTokensASecond) {
  SystemSpec system = of_gpus(8);
  system.power = {.provisioned_kw_per_gpu = 2.17, .node_kw = 9.8};
  RunStats run = run_of(1286.58138506393);
  fill_costs(run, system, {});
  EXPECT_DOUBLE_EQ(*run.provisioned_j_per_output_token, 8 * 2170 / 1286.58138506393);
  EXPECT_DOUBLE_EQ(*run.node_j_per_output_token, 9800 / 1286.58138506393);
  EXPECT_FALSE(run.gpu_j_per_output_token) << "filled in from another basis";
  EXPECT_NEAR(*value_of(run, measure_of("provisioned_tps_per_mw")),
              1e6 / *run.provisioned_j_per_output_token, 1e-9);
  EXPECT_FALSE(value_of(run, measure_of("gpu_tps_per_mw")));
}

TEST(Energies, OfALevelsRunsAreByOneBasis) {
  const auto with = [](std::vector<EnergyReading> readings) {
    RunStats run = run_of(1000);
    run.telemetry.emplace().energy = std::move(readings);
    fill_costs(run, of_gpus(8), {});
    return run;
  };
  const EnergyReading counter = reading(EnergyBasis::kGpuCounter, 400, 100, 1);
  const EnergyReading power = reading(EnergyBasis::kGpuPowerIntegral, 420, 100, 1);
  EnergyReading refused = counter;
  refused.j_per_output_token.reset();
  refused.missing = "counter_reset";
  std::vector<RunStats> both = {with({counter, power}), with({counter, power})};
  choose_gpu_energy(both);
  EXPECT_EQ(both[0].gpu_j_per_output_token, 4);
  std::vector<RunStats> once_reset = {with({counter, power}), with({refused, power})};
  EXPECT_EQ(once_reset[1].gpu_j_per_output_token, 4.2);
  choose_gpu_energy(once_reset);
  EXPECT_EQ(once_reset[0].gpu_j_per_output_token, 4.2);
  EXPECT_EQ(once_reset[1].gpu_j_per_output_token, 4.2);
  std::vector<RunStats> once_none = {with({counter}), with({refused})};
  choose_gpu_energy(once_none);
  EXPECT_EQ(once_none[0].gpu_j_per_output_token, 4);
  EXPECT_FALSE(once_none[1].gpu_j_per_output_token);
}

TEST(OperatingPoint, IsNoneWhereNothingIsStatedAndNothingWasRead) {
  EXPECT_FALSE(operating_point(three_runs(of_gpus(8), {}), of_gpus(8), std::nullopt));
}

TEST(OperatingPoint, HasACostWithTheThroughputsIntervalInverted) {
  PriceSpec prices = priced(1.8);
  prices.utilisation = 0.5;
  const LevelStats level = three_runs(of_gpus(8), prices);
  const std::optional<OperatingPoint> point = operating_point(level, of_gpus(8), prices);
  ASSERT_TRUE(point);
  EXPECT_EQ(point->point, at_concurrency(8));
  EXPECT_NEAR(*point->cost_per_million_output_tokens, 14.4 / 3.6 / 1.1, 1e-12);
  EXPECT_NEAR(*point->cost_at_utilisation, 2 * *point->cost_per_million_output_tokens, 1e-12);
  const LevelFigure throughput = figure_of(level, measure_of("throughput"));
  const Interval& interval = point->cost_per_million_output_tokens_ci95.value();
  EXPECT_NEAR(interval.low * throughput.ci95->high, 4000, 1e-6);
  EXPECT_NEAR(interval.high * throughput.ci95->low, 4000, 1e-6);
  EXPECT_EQ(point->cost_missing, "");
}

TEST(OperatingPoint, SaysWhyThereIsNoCost) {
  const auto missing = [](const SystemSpec& system, const PriceSpec& prices) {
    SystemSpec with_power = system;  // or there would be nothing to say at all
    with_power.power.node_kw = 9.8;
    return operating_point(three_runs(with_power, prices), with_power, prices)->cost_missing;
  };
  PriceSpec undated = priced(1.8);
  undated.date.clear();
  EXPECT_EQ(missing(of_gpus(8), {}), "price_not_stated");
  EXPECT_EQ(missing(of_gpus(8), undated), "price_undated");
  EXPECT_EQ(missing(of_gpus(0), priced(1.8)), "gpus_not_stated");
  EXPECT_EQ(missing(of_gpus(8), priced(0)), "price_is_0");
}

TEST(OperatingPoint, HasEachBasisWithItsErrorOrTheReasonForNone) {
  SystemSpec system = of_gpus(8);
  system.power = {.provisioned_kw_per_gpu = 2, .node_kw = 8.8};
  LevelStats level = three_runs(system, {});
  for (RunStats& run : level.runs) {
    run.telemetry.emplace().energy = {reading(EnergyBasis::kGpuCounter, 400, 100, 1 + run.repeat)};
    fill_costs(run, system, {});
  }
  OperatingPoint point = *operating_point(level, system, std::nullopt);
  ASSERT_EQ(point.energy.size(), 3U);
  const EnergyAt& gpus = point.energy[0];
  EXPECT_EQ(gpus.basis, EnergyBasis::kGpuCounter);
  EXPECT_DOUBLE_EQ(*gpus.j_per_output_token, 4);
  EXPECT_DOUBLE_EQ(*gpus.tps_per_mw, 250'000);
  EXPECT_DOUBLE_EQ(*gpus.error, 3.0 / 400) << "the worst run's";
  const EnergyAt& node = point.energy[1];
  EXPECT_NEAR(*node.j_per_output_token, 8, 1e-12);
  EXPECT_FALSE(node.error);
  EXPECT_EQ(node.error_missing, "not_stated");
  const EnergyAt& provisioned = point.energy[2];
  EXPECT_NEAR(*provisioned.j_per_output_token, 16'000 / 1100.0, 1e-12);
  EXPECT_EQ(provisioned.error_missing, "not_measured");

  system.power.node_error = 0.01;
  level.runs[1].telemetry->energy[0].j_per_output_token.reset();
  level.runs[1].telemetry->energy[0].missing = "window_short";
  choose_gpu_energy(level.runs);
  point = *operating_point(level, system, std::nullopt);
  EXPECT_FALSE(point.energy[0].j_per_output_token) << "of two runs, called the level's";
  EXPECT_EQ(point.energy[0].missing, "window_short");
  EXPECT_EQ(point.energy[1].error, 0.01);
}

TEST(OperatingPoint, HasTheNodesEnergyByAMeterWhereThereIsOne) {
  SystemSpec system = of_gpus(8);
  system.power = {.node_kw = 99, .node_source = "a PDU"};
  LevelStats level = three_runs(system, {});
  for (RunStats& run : level.runs) {
    EnergyReading meter{.basis = EnergyBasis::kNode, .missing = {}};
    meter.joules = 100;
    meter.error_j = 2 + run.repeat;
    meter.mean_power_w = 8 * headline_throughput_tps(run);
    run.telemetry.emplace().energy = {meter};
    fill_costs(run, system, {});
    EXPECT_DOUBLE_EQ(run.node_j_per_output_token.value(), 8);
    EXPECT_EQ(run.telemetry->energy[0].j_per_output_token, run.node_j_per_output_token);
  }
  OperatingPoint point = *operating_point(level, system, std::nullopt);
  EXPECT_TRUE(point.energy[1].metered);
  EXPECT_NEAR(*point.energy[1].j_per_output_token, 8, 1e-12);
  EXPECT_DOUBLE_EQ(*point.energy[1].error, 0.04) << "the worst run's";
  level.runs[2].telemetry->energy[0].missing = "gap_too_long";
  level.runs[2].telemetry->energy[0].j_per_output_token.reset();
  fill_costs(level.runs[2], system, {});
  EXPECT_FALSE(level.runs[2].node_j_per_output_token) << "nothing stated stands in for a reading";
  point = *operating_point(level, system, std::nullopt);
  EXPECT_EQ(point.energy[1].missing, "gap_too_long");
  EXPECT_FALSE(point.energy[0].metered);
}

// 8 J a token are 2.222 kWh for 1M. What is provisioned has the building in it.
TEST(OperatingPoint, HasThePriceOfEachEnergyForItself) {
  SystemSpec system = of_gpus(8);
  system.power = {.provisioned_kw_per_gpu = 2, .node_kw = 8.8};
  PriceSpec prices = priced(1.8);
  const double alone =
      *operating_point(three_runs(system, prices), system, prices)->cost_per_million_output_tokens;
  prices.kwh = 0.2;
  prices.pue = 1.25;
  const OperatingPoint point = *operating_point(three_runs(system, prices), system, prices);
  EXPECT_FALSE(point.energy[0].cost_per_million_output_tokens) << "no energy was read";
  EXPECT_NEAR(*point.energy[1].cost_per_million_output_tokens, 8 / 3.6 * 0.2 * 1.25, 1e-12);
  EXPECT_NEAR(*point.energy[2].cost_per_million_output_tokens, 16'000 / 1100.0 / 3.6 * 0.2, 1e-12);
  EXPECT_EQ(*point.cost_per_million_output_tokens, alone) << "an addend of its own";
}

TEST(OperatingPoint, IsThatOfTheHighestLevelThatMeetsATarget) {
  SweepResult result;
  result.system = of_gpus(8);
  result.prices = priced(1.8);
  result.levels = {three_runs(result.system, *result.prices)};
  result.users_at_target = {{.users = 8, .c_pass = 8}, {.kind = UsersKind::kBelowSweep}};
  fill_operating_points(result);
  ASSERT_TRUE(result.users_at_target[0].operating_point);
  EXPECT_EQ(result.users_at_target[0].operating_point->point, at_concurrency(8));
  EXPECT_FALSE(result.users_at_target[1].operating_point);
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/stats/cost.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

constexpr double kMillion = 1e6;
constexpr double kSecondsPerHour = 3600;
constexpr double kWattsPerKilowatt = 1000;
constexpr double kJoulesPerKwh = 3.6e6;

bool is_dated(const PriceSpec& prices) {
  return !prices.source.empty() && !prices.date.empty();
}

const EnergyReading* reading_by(const RunStats& run, EnergyBasis basis) {
  if (!run.telemetry) return nullptr;
  for (const EnergyReading& reading : run.telemetry->energy) {
    if (reading.basis == basis) return &reading;
  }
  return nullptr;
}

std::optional<double> j_per_token(const RunStats& run, EnergyBasis basis) {
  const EnergyReading* reading = reading_by(run, basis);
  return reading != nullptr ? reading->j_per_output_token : std::nullopt;
}

std::string why_no_cost(const LevelStats& level, const SystemSpec& system,
                        const std::optional<PriceSpec>& prices) {
  if (!prices || !prices->gpu_hour) return "price_not_stated";
  if (!is_dated(*prices)) return "price_undated";
  if (system.gpus < 1) return "gpus_not_stated";
  return headline_throughput_tps(level.pooled) > 0 ? "price_is_0" : "no_throughput";
}

EnergyAt energy_at(const LevelStats& level, EnergyBasis basis, const char* key) {
  const LevelFigure figure = figure_of(level, measure_of(key));
  EnergyAt energy{.basis = basis, .j_per_output_token = figure.value, .ci95 = figure.ci95};
  if (figure.value) energy.tps_per_mw = kMillion / *figure.value;
  return energy;
}

bool has_readings(const LevelStats& level, EnergyBasis basis) {
  return std::any_of(level.runs.begin(), level.runs.end(),
                     [basis](const RunStats& run) { return reading_by(run, basis) != nullptr; });
}

// By its runs' readings, of which none may lack.
EnergyAt read_energy(const LevelStats& level, EnergyBasis basis, const char* key) {
  EnergyAt energy = energy_at(level, basis, key);
  for (const RunStats& run : level.runs) {
    const EnergyReading* reading = reading_by(run, basis);
    if (reading == nullptr) {
      energy.missing = "not_read";
    } else if (!reading->j_per_output_token) {
      energy.missing = reading->missing.empty() ? "no_throughput" : reading->missing;
    } else if (reading->joules.value_or(0) > 0 && reading->error_j) {
      energy.error = std::max(energy.error.value_or(0), *reading->error_j / *reading->joules);
    }
  }
  if (level.runs.empty()) energy.missing = "not_read";
  if (energy.missing.empty()) return energy;
  return {.basis = basis, .missing = std::move(energy.missing)};  // of some runs is of no level
}

EnergyAt gpu_energy(const LevelStats& level) {
  const auto chosen = [&](EnergyBasis basis) {
    return std::any_of(level.runs.begin(), level.runs.end(), [basis](const RunStats& run) {
      return run.gpu_j_per_output_token && run.gpu_j_per_output_token == j_per_token(run, basis);
    });
  };
  EnergyBasis basis = EnergyBasis::kGpuCounter;
  const EnergyBasis other = EnergyBasis::kGpuPowerIntegral;
  const bool counted = has_readings(level, basis);
  if (!chosen(basis) && (chosen(other) || !counted)) basis = other;
  if (!has_readings(level, basis)) basis = EnergyBasis::kGpuCounter;
  return read_energy(level, basis, "gpu_energy");
}

EnergyAt stated_energy(const LevelStats& level, EnergyBasis basis, const char* key,
                       bool is_stated) {
  EnergyAt energy = energy_at(level, basis, key);
  if (!energy.j_per_output_token) energy.missing = is_stated ? "no_throughput" : "not_stated";
  return energy;
}

std::vector<EnergyAt> energies_at(const LevelStats& level, const SystemSpec& system) {
  const PowerSpec& power = system.power;
  const bool metered = has_readings(level, EnergyBasis::kNode);
  EnergyAt node =
      metered ? read_energy(level, EnergyBasis::kNode, "node_energy")
              : stated_energy(level, EnergyBasis::kNode, "node_energy", power.node_kw.has_value());
  node.metered = metered;
  if (node.j_per_output_token && !metered) node.error = power.node_error;
  if (node.j_per_output_token && !node.error) node.error_missing = "not_stated";
  EnergyAt provisioned = stated_energy(level, EnergyBasis::kProvisioned, "provisioned_energy",
                                       power.provisioned_kw_per_gpu && system.gpus > 0);
  if (provisioned.j_per_output_token) provisioned.error_missing = "not_measured";
  return {gpu_energy(level), std::move(node), std::move(provisioned)};
}

// A provision counts the building's share already, as its source says.
void add_price_of(EnergyAt& energy, const PriceSpec& prices) {
  if (!energy.j_per_output_token || !prices.kwh) return;
  const double pue = energy.basis == EnergyBasis::kProvisioned ? 1 : prices.pue.value_or(1);
  energy.cost_per_million_output_tokens =
      *energy.j_per_output_token * kMillion / kJoulesPerKwh * *prices.kwh * pue;
}

}  // namespace

void fill_costs(RunStats& run, const SystemSpec& system, const PriceSpec& prices) {
  const double output = headline_throughput_tps(run);
  const auto per_throughput = [](double of, double throughput) {
    return throughput > 0 ? std::optional(of / throughput) : std::nullopt;
  };
  if (prices.gpu_hour && is_dated(prices) && system.gpus > 0) {
    const double price = *prices.gpu_hour * system.gpus / kSecondsPerHour * kMillion;
    run.cost_per_million_output_tokens = per_throughput(price, output);
    run.cost_per_million_tokens = per_throughput(price, run.total_throughput_tps.value_or(0));
  }
  if (reading_by(run, EnergyBasis::kNode) != nullptr) {  // a meter's: what is stated is not asked
    for (EnergyReading& meter : run.telemetry->energy) {
      if (meter.basis != EnergyBasis::kNode) continue;
      if (meter.missing.empty() && meter.mean_power_w) {
        meter.j_per_output_token = per_throughput(*meter.mean_power_w, output);
      }
      run.node_j_per_output_token = meter.j_per_output_token;
    }
  } else if (system.power.node_kw) {
    run.node_j_per_output_token = per_throughput(*system.power.node_kw * kWattsPerKilowatt, output);
  }
  if (system.power.provisioned_kw_per_gpu && system.gpus > 0) {
    run.provisioned_j_per_output_token = per_throughput(
        *system.power.provisioned_kw_per_gpu * kWattsPerKilowatt * system.gpus, output);
  }
  run.gpu_j_per_output_token = j_per_token(run, EnergyBasis::kGpuCounter);
  if (!run.gpu_j_per_output_token) {
    run.gpu_j_per_output_token = j_per_token(run, EnergyBasis::kGpuPowerIntegral);
  }
}

void choose_gpu_energy(std::vector<RunStats>& runs) {
  const auto all_have = [&](EnergyBasis basis) {
    return std::all_of(runs.begin(), runs.end(), [basis](const RunStats& run) {
      return j_per_token(run, basis).has_value();
    });
  };
  const bool by_power =
      !all_have(EnergyBasis::kGpuCounter) && all_have(EnergyBasis::kGpuPowerIntegral);
  for (RunStats& run : runs) {
    run.gpu_j_per_output_token =
        j_per_token(run, by_power ? EnergyBasis::kGpuPowerIntegral : EnergyBasis::kGpuCounter);
  }
}

std::optional<OperatingPoint> operating_point(const LevelStats& level, const SystemSpec& system,
                                              const std::optional<PriceSpec>& prices) {
  OperatingPoint point{.point = level.point};
  const LevelFigure cost = figure_of(level, measure_of("cost"));
  point.cost_per_million_output_tokens = cost.value;
  point.cost_per_million_output_tokens_ci95 = cost.ci95;
  point.cost_per_million_tokens = figure_of(level, measure_of("total_cost")).value;
  if (!cost.value) point.cost_missing = why_no_cost(level, system, prices);
  if (cost.value && prices && prices->utilisation) {
    point.cost_at_utilisation = *cost.value / *prices->utilisation;
  }
  point.energy = energies_at(level, system);
  for (EnergyAt& energy : point.energy) {
    if (prices) add_price_of(energy, *prices);
  }
  const bool says_nothing = point.cost_missing == "price_not_stated" && !system.power.stated() &&
                            point.energy.front().missing == "not_read" &&
                            !has_readings(level, EnergyBasis::kNode);
  return says_nothing ? std::nullopt : std::optional(std::move(point));
}

void fill_operating_points(SweepResult& result) {
  const auto at = [&result](LoadPoint load) -> std::optional<OperatingPoint> {
    const LevelStats* level = find_level(result, load);
    return level != nullptr ? operating_point(*level, result.system, result.prices) : std::nullopt;
  };
  for (UsersAtTarget& users : result.users_at_target) {
    users.operating_point =
        users.c_pass ? at(at_users(result.levels, *users.c_pass)) : std::nullopt;
  }
  for (RateAtTarget& rate : result.rates_at_target) {
    rate.operating_point = rate.r_pass ? at(at_rate(*rate.r_pass)) : std::nullopt;
  }
}

}  // namespace llmsweep

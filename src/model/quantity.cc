#include "llmsweep/model/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

std::optional<double> if_positive(std::optional<double> value) {
  if (value && *value > 0 && std::isfinite(*value)) return value;
  return std::nullopt;
}

template <class Wanted>
std::vector<Measure> medians_where(Wanted wanted) {
  std::vector<Measure> measures;
  for (const Quantity& quantity : quantities()) {
    if (wanted(quantity.shown)) measures.push_back({&quantity});
  }
  return measures;
}

}  // namespace

std::string_view name_of(Unit unit) {
  switch (unit) {
    case Unit::kMilliseconds:
      return "ms";
    case Unit::kTokensPerSecond:
      return "tokens/s";
    case Unit::kTokensPerSecondPerMs:
      return "tokens/s/ms";
    case Unit::kRequestsPerSecond:
      return "requests/s";
    case Unit::kInputsPerSecond:
      return "inputs/s";
    case Unit::kRequests:
      return "requests";
    case Unit::kTokens:
      return "tokens";
    case Unit::kShare:
      return "share";
    case Unit::kSeconds:
      return "s";
    case Unit::kUsers:
      return "users";
    case Unit::kUsersPerGpu:
      return "users per GPU";
    case Unit::kScore:
      return "score";
    case Unit::kMoney:
      return "per 1M";
    case Unit::kJoulesPerToken:
      return "J/token";
    case Unit::kTokensPerSecondPerMw:
      return "tokens/s/MW";
  }
  return "";
}

const Quantity* find_quantity(std::string_view key) {
  for (const Quantity& quantity : quantities()) {
    if (quantity.key == key) return &quantity;
  }
  return nullptr;
}

const Quantity& quantity_of(Metric metric) {
  for (const Quantity& quantity : quantities()) {
    if (quantity.metric == metric) return quantity;
  }
  assert(false && "every metric has its row");
  return quantities()[0];
}

std::vector<std::string> column_keys(ColumnsOf of) {
  std::vector<std::string> keys;
  for (const Quantity& quantity : quantities()) {
    if (!quantity.of_level() || (of == ColumnsOf::kComparison && !quantity.better)) continue;
    keys.emplace_back(quantity.key);
  }
  return keys;
}

std::vector<Measure> parse_columns(std::string_view text, ColumnsOf of) {
  const std::vector<std::string> keys = column_keys(of);
  std::vector<Measure> measures;
  if (text.empty()) return measures;
  for (const std::string& part : split(text, ',')) {
    const std::string_view word = trim(part);
    const size_t colon = word.find(':');
    const std::string key(word.substr(0, colon));
    const bool known = std::find(keys.begin(), keys.end(), key) != keys.end();
    const Quantity* quantity = known ? find_quantity(key) : nullptr;
    std::optional<Statistic> statistic = Statistic::kP50;
    if (colon != word.npos) statistic = from_name<Statistic>(word.substr(colon + 1));
    const bool plain = quantity != nullptr && quantity->distribution == nullptr;
    if (!known || !statistic || (plain && colon != word.npos)) {
      throw Error({.what = fmt::format("'{}' is no column", printable(word, 60)),
                   .where = "--columns",
                   .next = fmt::format("choose of {}; a latency with :{}", join(keys, ", "),
                                       join(all_names<Statistic>(), ", :"))});
    }
    measures.push_back({quantity, *statistic});
  }
  return measures;
}

Measure measure_of(std::string_view key) {
  const Quantity* quantity = find_quantity(key);
  assert(quantity != nullptr);
  return {quantity};
}

Measure measure_of(const Target& target) {
  return {&quantity_of(target.metric), target.statistic};
}

std::vector<Measure> terminal_measures() {
  return medians_where([](const Shown& shown) { return shown.terminal > 0; });
}

std::vector<Measure> markdown_measures() {
  return medians_where([](const Shown& shown) { return shown.markdown; });
}

std::vector<Measure> compared_measures() {
  return medians_where([](const Shown& shown) { return shown.compared; });
}

std::vector<Measure> compare_table_measures() {
  return medians_where([](const Shown& shown) { return shown.compare_table; });
}

std::vector<Measure> page_measures() {
  std::vector<Measure> measures;
  for (const Quantity& quantity : quantities()) {
    for (const Statistic statistic : all_values<Statistic>()) {
      if ((quantity.shown.page & bit_of(statistic)) != 0)
        measures.push_back({&quantity, statistic});
    }
  }
  return measures;
}

std::string key_of(const Measure& measure) {
  std::string key(measure.quantity->key);
  if (measure.quantity->distribution == nullptr || measure.statistic == Statistic::kP50) return key;
  return key + ":" + std::string(name_of(measure.statistic));
}

std::string validity_key(const Measure& measure) {
  if (measure.quantity->distribution == nullptr) return std::string(measure.quantity->key);
  return fmt::format("{}:{}", measure.quantity->key, name_of(measure.statistic));
}

bool is_sound(const RunStats& run, const Measure& measure) {
  return run.validity.empty() || run.validity.count(validity_key(measure)) == 0;
}

std::string data_key_of(const Measure& measure) {
  const Quantity& quantity = *measure.quantity;
  if (quantity.distribution == nullptr) return std::string(quantity.result_key);
  return std::string(quantity.key) + "_" + std::string(name_of(measure.statistic)) + "_ms";
}

std::string title_of(const Measure& measure) {
  std::string title(measure.quantity->title);
  if (measure.quantity->distribution == nullptr) return title;
  if (measure.statistic == Statistic::kP50) return "Median " + title;
  return title + " " + std::string(name_of(measure.statistic));
}

std::optional<double> statistic_of(const Distribution& distribution, Statistic statistic) {
  if (statistic == Statistic::kP50) return distribution.p50;
  if (distribution.empty()) return std::nullopt;
  // How far a tail can be trusted is a matter of how many requests there were.
  if (!distribution.count && statistic != Statistic::kMean) return std::nullopt;
  switch (statistic) {
    case Statistic::kP50:
      break;
    case Statistic::kP90:
      return distribution.p90;
    case Statistic::kP95:
      return distribution.p95;
    case Statistic::kP99:
      return distribution.p99;
    case Statistic::kMean:
      return distribution.mean;
  }
  return std::nullopt;
}

const Distribution& distribution_of(const RunStats& stats, Metric metric) {
  return stats.*quantity_of(metric).distribution;
}

std::optional<double> stored_value(const RunStats& run, const Quantity& quantity) {
  if (quantity.number != nullptr) return run.*quantity.number;
  return quantity.maybe != nullptr ? run.*quantity.maybe : std::nullopt;
}

std::optional<double> value_of(const RunStats& run, const Measure& measure,
                               const Reading& reading) {
  const Quantity& quantity = *measure.quantity;
  if (quantity.of != nullptr) return quantity.of(run, reading);
  if (quantity.distribution != nullptr) {
    return statistic_of(run.*quantity.distribution, measure.statistic);
  }
  if (quantity.number != nullptr) return if_positive(run.*quantity.number);
  return stored_value(run, quantity);
}

bool has_drain(const RunStats& pooled) {
  return !pooled.steady_output_throughput_tps && !pooled.inputs_per_s;
}

std::optional<double> throughput_of(const RunStats& run, const Reading& reading) {
  if (!reading.with_drain) return run.steady_output_throughput_tps;
  return if_positive(run.output_throughput_tps);
}

std::optional<double> throughput_per_gpu_of(const RunStats& run, const Reading& reading) {
  if (reading.gpus < 1) return if_positive(run.throughput_per_gpu_tps);
  const auto throughput = throughput_of(run, reading);
  if (!throughput) return std::nullopt;
  return *throughput / reading.gpus;
}

std::optional<double> by_throughput(const RunStats& run, std::optional<double> stored,
                                    const Reading& reading) {
  const std::optional<double> throughput = if_positive(throughput_of(run, reading));
  if (!if_positive(stored) || !throughput) return std::nullopt;
  return *stored * headline_throughput_tps(run) / *throughput;
}

double headline_throughput_tps(const RunStats& run) {
  return throughput_of(run, {.with_drain = has_drain(run)}).value_or(0);
}

}  // namespace llmsweep

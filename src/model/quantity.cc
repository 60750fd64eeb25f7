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

constexpr unsigned kMedian = bit_of(Statistic::kP50);
constexpr unsigned kP90 = bit_of(Statistic::kP90);
constexpr unsigned kP99 = bit_of(Statistic::kP99);

std::optional<double> if_positive(double value) {
  if (value > 0 && std::isfinite(value)) return value;
  return std::nullopt;
}

// Of either side of a comparison by the same throughput, and so not as its run holds it.
std::optional<double> throughput_per_gpu(const RunStats& run, const Reading& reading) {
  if (reading.gpus < 1) return if_positive(run.throughput_per_gpu_tps);
  const auto throughput = throughput_of(run, reading);
  if (!throughput) return std::nullopt;
  return *throughput / reading.gpus;
}

std::optional<double> error_rate(const RunStats& run, const Reading&) {
  const int64_t all = run.requests.completed + run.requests.failed;
  if (all < 1) return std::nullopt;
  return static_cast<double>(run.requests.failed) / static_cast<double>(all);
}

constexpr Direction kLower = Direction::kLowerIsBetter;
constexpr Direction kHigher = Direction::kHigherIsBetter;
constexpr const char* kNoGoodput = "state goodput targets in the spec";

constexpr Quantity kQuantities[] = {
    {.key = "throughput",
     .title = "Output throughput",
     .short_title = "output",
     .unit = Unit::kTokensPerSecond,
     .better = kHigher,
     .of = throughput_of,
     .between_runs = &LevelStats::throughput_between_runs_ci95,
     .result_key = "throughput_tps",
     .shown = {.terminal = Shown::kAlways,
               .markdown = true,
               .page = kMedian,
               .compared = true,
               .compare_table = true}},
    {.key = "steady_throughput",
     .title = "Steady output throughput",
     .short_title = "steady output",
     .unit = Unit::kTokensPerSecond,
     .better = kHigher,
     .maybe = &RunStats::steady_output_throughput_tps,
     .between_runs = &LevelStats::throughput_between_runs_ci95,
     .result_key = "steady_output_throughput_tps",
     .between_runs_key = "throughput_between_runs_ci95",
     .meaning = "Output tokens a second in the steady state: the headline."},
    {.key = "output_throughput",
     .title = "Output throughput, drain included",
     .short_title = "with drain",
     .unit = Unit::kTokensPerSecond,
     .better = kHigher,
     .number = &RunStats::output_throughput_tps,
     .result_key = "output_throughput_tps",
     .meaning = "Output tokens a second over the measured window."},
    {.key = "drain_bias",
     .title = "Drain bias",
     .short_title = "drain bias",
     .unit = Unit::kShare,
     .pooling = Pooling::kRequests,
     .maybe = &RunStats::drain_bias,
     .result_key = "drain_bias",
     .meaning = "output_throughput_tps ÷ steady_output_throughput_tps − 1."},
    {.key = "throughput_per_gpu",
     .title = "Throughput per GPU",
     .short_title = "per GPU",
     .unit = Unit::kTokensPerSecond,
     .better = kHigher,
     .number = &RunStats::throughput_per_gpu_tps,
     .of = throughput_per_gpu,
     .result_key = "throughput_per_gpu_tps",
     .meaning = "Steady output throughput ÷ system.gpus.",
     .shown = {.terminal = 90,
               .markdown = true,
               .page = kMedian,
               .compared = true,
               .compare_table = true}},
    {.key = "request_throughput",
     .title = "Request throughput",
     .short_title = "requests",
     .unit = Unit::kRequestsPerSecond,
     .better = kHigher,
     .number = &RunStats::request_throughput_rps,
     .result_key = "request_throughput_rps",
     .meaning = "Requests a second.",
     .shown = {.compared = true}},
    {.key = "e2e",
     .title = "E2E latency",
     .short_title = "median E2E",
     .better = kLower,
     .distribution = &RunStats::e2e,
     .metric = Metric::kE2e,
     .between_runs = &LevelStats::e2e_p50_between_runs_ci95,
     .result_key = "e2e_ms",
     .between_runs_key = "e2e_ms_p50_ci95_between_runs",
     .meaning = "End-to-end latency.",
     .shown = {.terminal = Shown::kAlways,
               .interval = 50,
               .markdown = true,
               .page = kMedian | kP90 | kP99,
               .compared = true,
               .compare_table = true}},
    {.key = "ttft",
     .title = "TTFT",
     .short_title = "TTFT",
     .better = kLower,
     .distribution = &RunStats::ttft,
     .metric = Metric::kTtft,
     .result_key = "ttft_ms",
     .meaning = "Time to the first token.",
     .shown = {.terminal = 80,
               .markdown = true,
               .page = kMedian | kP99,
               .compared = true,
               .compare_table = true}},
    {.key = "ttfo",
     .title = "TTFO",
     .short_title = "TTFO",
     .better = kLower,
     .distribution = &RunStats::ttfo,
     .metric = Metric::kTtfo,
     .result_key = "ttfo_ms",
     .meaning = "Time to the first token of the answer, after reasoning.",
     .shown = {.compared = true}},
    {.key = "tpot",
     .title = "TPOT",
     .short_title = "TPOT",
     .better = kLower,
     .distribution = &RunStats::tpot,
     .metric = Metric::kTpot,
     .result_key = "tpot_ms",
     .meaning = "Time per output token after the first chunk.",
     .shown = {.terminal = 70,
               .markdown = true,
               .page = kMedian,
               .compared = true,
               .compare_table = true}},
    {.key = "itl",
     .title = "ITL",
     .short_title = "ITL",
     .better = kLower,
     .distribution = &RunStats::itl,
     .metric = Metric::kItl,
     .result_key = "itl_ms",
     .meaning = "Inter-token latency, weighted by tokens.",
     .shown = {.terminal = 30, .page = kMedian, .compared = true}},
    {.key = "icl",
     .title = "ICL",
     .short_title = "ICL",
     .better = kLower,
     .distribution = &RunStats::icl,
     .metric = Metric::kIcl,
     .result_key = "icl_ms",
     .meaning = "Inter-chunk latency.",
     .shown = {.terminal = 20, .page = kMedian, .compared = true}},
    {.key = "throughput_per_latency",
     .title = "Throughput / latency",
     .short_title = "tput/latency",
     .unit = Unit::kTokensPerSecondPerMs,
     .better = kHigher,
     .number = &RunStats::throughput_per_latency,
     .result_key = "throughput_per_latency",
     .meaning = "Steady output throughput ÷ median end-to-end latency in ms.",
     .shown = {.terminal = 40, .markdown = true, .page = kMedian, .compared = true}},
    {.key = "output_speed",
     .title = "Speed per user",
     .short_title = "per user",
     .unit = Unit::kTokensPerSecond,
     .better = kHigher,
     .number = &RunStats::output_speed_tps,
     .result_key = "output_speed_tps",
     .meaning = "Median over requests of output tokens ÷ end-to-end latency.",
     .shown = {.terminal = 35, .page = kMedian, .compared = true}},
    {.key = "decode_speed",
     .title = "Decode speed",
     .short_title = "decode",
     .unit = Unit::kTokensPerSecond,
     .better = kHigher,
     .number = &RunStats::decode_speed_tps,
     .result_key = "decode_speed_tps",
     .meaning = "1 ÷ median TPOT; 0: no TPOT.",
     .shown = {.terminal = 25, .page = kMedian, .compared = true}},
    {.key = "goodput",
     .title = "Goodput",
     .short_title = "goodput",
     .unit = Unit::kShare,
     .better = kHigher,
     .pooling = Pooling::kMean,
     .maybe = &RunStats::goodput_fraction,
     .result_key = "goodput_fraction",
     .meaning = "Share of the requests that kept every limit of the spec's goodput.",
     .missing = kNoGoodput,
     .shown = {.terminal = 36, .page = kMedian, .compared = true}},
    {.key = "goodput_rps",
     .title = "Goodput rate",
     .short_title = "good",
     .unit = Unit::kRequestsPerSecond,
     .better = kHigher,
     .pooling = Pooling::kMean,
     .maybe = &RunStats::goodput_rps,
     .result_key = "goodput_rps",
     .meaning = "Such requests a second.",
     .missing = kNoGoodput,
     .shown = {.compared = true}},
    {.key = "error_rate",
     .title = "Errors",
     .short_title = "errors",
     .unit = Unit::kShare,
     .better = kLower,
     .pooling = Pooling::kRequests,
     .of = error_rate,
     .result_key = "error_rate",
     .shown = {.compared = true}},
    {.key = "achieved_concurrency",
     .title = "Achieved concurrency",
     .short_title = "in flight",
     .unit = Unit::kRequests,
     .pooling = Pooling::kMean,
     .maybe = &RunStats::achieved_concurrency,
     .result_key = "achieved_concurrency",
     .meaning = "Time average of the requests in flight."},
    {.key = "littles_law_error",
     .title = "Little's law error",
     .short_title = "Little",
     .unit = Unit::kShare,
     .pooling = Pooling::kWorst,
     .maybe = &RunStats::littles_law_error,
     .result_key = "littles_law_error",
     .meaning = "|L − λW| ÷ L."},
    {.key = "input_tokens",
     .title = "Input",
     .short_title = "input",
     .unit = Unit::kTokens,
     .pooling = Pooling::kRequests,
     .number = &RunStats::input_tokens_mean,
     .result_key = "input_tokens_mean",
     .meaning = "Input tokens a request, as the server counts; 0: it does not."},
    {.key = "output_tokens",
     .title = "Output",
     .short_title = "output",
     .unit = Unit::kTokens,
     .pooling = Pooling::kRequests,
     .number = &RunStats::output_tokens_mean,
     .result_key = "output_tokens_mean",
     .meaning = "Output tokens a request."},
    {.key = "cached_tokens",
     .title = "Cached input",
     .short_title = "cached",
     .unit = Unit::kTokens,
     .pooling = Pooling::kRequests,
     .number = &RunStats::cached_tokens_mean,
     .result_key = "cached_tokens_mean",
     .meaning = "Input tokens a request that the server had cached."},
    {.key = "input_tokens_off",
     .title = "Input off the plan",
     .short_title = "input off",
     .unit = Unit::kShare,
     .pooling = Pooling::kRequests,
     .maybe = &RunStats::input_tokens_off,
     .result_key = "input_tokens_off",
     .meaning = "Σ |measured − planned| ÷ Σ planned input tokens."},
    {.key = "output_tokens_off",
     .title = "Output off the plan",
     .short_title = "output off",
     .unit = Unit::kShare,
     .pooling = Pooling::kRequests,
     .maybe = &RunStats::output_tokens_off,
     .result_key = "output_tokens_off",
     .meaning = "The same for output tokens."},
    {.key = "wall_seconds",
     .title = "Length of the runs",
     .short_title = "length",
     .unit = Unit::kSeconds,
     .pooling = Pooling::kSum,
     .number = &RunStats::wall_seconds,
     .result_key = "wall_seconds",
     .meaning = "Length of the run, s."},
    // Not of one level: for the gate.
    {.key = "users", .title = "Users", .unit = Unit::kUsers, .better = kHigher},
    {.key = "users_per_gpu", .title = "Users per GPU", .unit = Unit::kUsers, .better = kHigher},
    {.key = "quality", .title = "Quality", .unit = Unit::kScore, .better = kHigher},
};

template <class Wanted>
std::vector<Measure> medians_where(Wanted wanted) {
  std::vector<Measure> measures;
  for (const Quantity& quantity : kQuantities) {
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
    case Unit::kScore:
      return "score";
  }
  return "";
}

std::span<const Quantity> quantities() {
  return kQuantities;
}

const Quantity* find_quantity(std::string_view key) {
  for (const Quantity& quantity : kQuantities) {
    if (quantity.key == key) return &quantity;
  }
  return nullptr;
}

const Quantity& quantity_of(Metric metric) {
  for (const Quantity& quantity : kQuantities) {
    if (quantity.metric == metric) return quantity;
  }
  assert(false && "every metric has its row");
  return kQuantities[0];
}

std::vector<std::string> column_keys(ColumnsOf of) {
  std::vector<std::string> keys;
  for (const Quantity& quantity : kQuantities) {
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
  for (const Quantity& quantity : kQuantities) {
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
  if (distribution.count == 0) return std::nullopt;
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
  return !pooled.steady_output_throughput_tps;
}

std::optional<double> throughput_of(const RunStats& run, const Reading& reading) {
  if (!reading.with_drain) return run.steady_output_throughput_tps;
  return if_positive(run.output_throughput_tps);
}

double headline_throughput_tps(const RunStats& run) {
  return throughput_of(run, {.with_drain = has_drain(run)}).value_or(0);
}

}  // namespace llmsweep

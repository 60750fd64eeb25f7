// InferenceX's aggregated rows: agg_<name>.json, agg_bmk.json, rows of its web interface.
#include "import/import_run.h"

#include <fmt/format.h>

namespace llmsweep::foreign {
namespace {

Figures seconds_of(const Json& value, const std::string& metric) {
  const auto get = [&](const std::string& statistic) {
    return number(member(value, statistic + "_" + metric));
  };
  // No counts in the file: the percentiles that need many samples are left out.
  return {.mean = get("mean"), .p50 = get("median"), .p90 = get("p90"), .unit_ms = kSecond};
}

int at_least_one(const Json& value, const char* key) {
  return headcount(number(value, key)).value_or(1);
}

struct Gpus {
  int all = 0;
  int decode = 0;  // what output_tput_per_gpu divides by
};
Gpus gpus_of(const Json& value) {
  const auto prefill = number(value, "num_prefill_gpu");
  const auto decode = headcount(number(value, "num_decode_gpu"));
  if (prefill && decode) return {headcount(prefill).value_or(0) + *decode, *decode};
  const int one_node = at_least_one(value, "tp") * at_least_one(value, "pp");
  return {one_node, one_node};
}

Run read_row(const Document& document, const Json& row) {
  const Json* metrics = member(row, "metrics");  // rows of the web interface
  const Json& figures = metrics != nullptr ? *metrics : row;
  Run run{.tool = "InferenceX", .where = document.where};
  const auto per_gpu = number(figures, "output_tput_per_gpu");
  const auto concurrency = headcount(number(row, "conc"));
  if (!per_gpu || !concurrency) {
    fail(document, "a row has no sensible 'conc' or no 'output_tput_per_gpu'");
  }
  const Gpus gpus = gpus_of(row);
  run.concurrency = *concurrency;
  run.model = text(row, "model");
  run.created_at = text(row, "date");
  run.system = {.accelerator = text(row, "hw"),
                .gpus = gpus.all,
                .precision = text(row, "precision"),
                .engine = text(row, "framework")};
  if (run.system.accelerator.empty()) run.system.accelerator = text(row, "hardware");
  if (has(row, {"tp"})) run.system.tensor_parallel = at_least_one(row, "tp");
  const std::string speculative = text(row, "spec_decoding");
  if (!speculative.empty()) run.system.mtp = speculative != "none" && speculative != "off";
  run.input_tokens = token_count(number(row, "isl"), std::nullopt);
  run.output_tokens = token_count(number(row, "osl"), std::nullopt);
  run.stats.output_throughput_tps = *per_gpu * gpus.decode;
  run.stats.e2e = distribution(seconds_of(figures, "e2el"));
  run.stats.ttft = distribution(seconds_of(figures, "ttft"));
  run.stats.tpot = distribution(seconds_of(figures, "tpot"));
  run.stats.icl = distribution(seconds_of(figures, "itl"));
  run.notes.emplace_back(
      "Latencies stand in seconds in its rows, whatever their names say. Output throughput is "
      "output_tput_per_gpu times the GPUs that it divides by (the decode GPUs where there are "
      "any); 'per GPU' here divides by all GPUs.");
  run.notes.emplace_back(
      "Rows hold no request counts: p99 is left out, and so are the *_intvty figures (the "
      "deviation of a reciprocal is none). isl and osl are what was asked for.");
  return run;
}

bool is_row(const Json& value) {
  return has(value, {"conc", "output_tput_per_gpu"}) ||
         has(value, {"conc", "metrics.output_tput_per_gpu"});
}

bool is_inferencex(const Document& document) {
  const Json& value = document.value;
  return value.is_array() ? !value.empty() && is_row(value.front()) : is_row(value);
}

std::vector<Run> read_inferencex(const Document& document) {
  if (!document.value.is_array()) return {read_row(document, document.value)};
  std::vector<Run> runs;
  for (const Json& row : document.value) runs.push_back(read_row(document, row));
  return runs;
}

}  // namespace

const std::vector<Format>& inferencex_formats() {
  static const std::vector<Format> formats = {
      {"InferenceX aggregated rows", is_inferencex, read_inferencex}};
  return formats;
}

}  // namespace llmsweep::foreign

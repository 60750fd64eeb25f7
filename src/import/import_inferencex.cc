// InferenceX's aggregated rows: agg_<name>.json, agg_bmk.json, rows of its web interface, its
// agentic rows, flat or nested. GPUs are counted as its own process_result.py counts them.
#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "import/import_facts.h"

namespace llmsweep::foreign {
namespace {

// A row, where its figures are, and where they are nested by metric.
struct Row {
  const Json& row;
  const Json& figures;
  const Json* nested;  // request_metrics; null: flat
};

// In seconds. Agentic rows have no median, on purpose.
Figures seconds_of(const Row& row, const std::string& metric, std::optional<int64_t> count) {
  if (row.nested != nullptr) {
    return figures_of(find(*row.nested, "latency." + metric), count, kSecond);
  }
  const auto get = [&](const std::string& statistic) {
    return number(member(row.figures, statistic + "_" + metric));
  };
  return {.mean = get("mean"),
          .p50 = get("median") ? get("median") : get("p50"),
          .p90 = get("p90"),
          .p95 = get("p95"),
          .p99 = get("p99"),
          .p999 = get("p99.9"),
          .count = count,
          .unit_ms = kSecond};
}

std::optional<double> first_number(const Json& value, std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    if (const auto found = number(value, path)) return found;
  }
  return std::nullopt;
}

std::string first_text(const Json& value, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (std::string found = text(value, key); !found.empty()) return found;
  }
  return {};
}

int at_least_one(const Json& value, const std::string& key) {
  return headcount(number(member(value, key))).value_or(1);
}

// Of one worker: tensor, pipeline and prefill context parallelism divide it; expert, attention data
// and decode context parallelism lie within.
int gpus_of_worker(const Json& row, const std::string& role) {
  return at_least_one(row, role + "tp") * at_least_one(row, role + "pp") *
         at_least_one(row, role + "pcp_size");
}

// Of a role: as stated, else its workers'; 0: it has none.
int gpus_of_role(const Json& row, const std::string& role) {
  if (const auto stated = number(member(row, "num_" + role + "_gpu"))) {
    return headcount(stated).value_or(0);
  }
  const Json* workers = member(row, role + "_num_workers");
  if (workers == nullptr) return 0;
  return headcount(number(workers)).value_or(0) * gpus_of_worker(row, role + "_");
}

// Rows of the web interface state prefill and decode GPUs for every system. They are the same GPUs
// where nothing is disaggregated, and where the throughput of all is the sum of input and output,
// each "per GPU".
bool roles_share_gpus(const Row& row, int prefill, int decode) {
  if (is_true(row.row, "disagg")) return false;
  const auto all = number(row.figures, "tput_per_gpu");
  const auto input = number(row.figures, "input_tput_per_gpu");
  const auto output = number(row.figures, "output_tput_per_gpu");
  if (all && input && output && *all > 0) {
    return std::abs((*input + *output) / *all - 1) < 0.01;
  }
  return !is_true(row.row, "is_multinode") || prefill == decode;
}

struct Gpus {
  int all = 0;
  int decode = 0;  // what output_tput_per_gpu divides by
};
Gpus gpus_of(const Row& row) {
  const int prefill = gpus_of_role(row.row, "prefill");
  const int decode = gpus_of_role(row.row, "decode");
  const auto stated = headcount(number(row.row, "num_gpus"));
  if (prefill + decode == 0) {
    const int all = stated.value_or(gpus_of_worker(row.row, ""));
    return {all, all};
  }
  if (roles_share_gpus(row, prefill, decode)) {
    const int all = stated.value_or(std::max(prefill, decode));
    return {all, all};
  }
  const int all = stated.value_or(prefill + decode);
  return {all, decode > 0 ? decode : all};
}

std::optional<bool> speculates(const Json& row) {
  for (const char* key : {"spec_decoding", "spec_method", "mtp"}) {
    const Json* found = member(row, key);
    if (found == nullptr) continue;
    if (found->is_boolean()) return found->get<bool>();
    if (found->is_number()) return found->get<double>() != 0;  // of draft tokens
    if (found->is_string()) return !says_none(found->get_ref<const std::string&>());
  }
  return std::nullopt;
}

// ---- The run.

void read_counts(const Row& row, Run& run) {
  RequestCounts& counts = run.stats.requests;
  counts.completed = count_of(number(row.row, "num_requests_successful"));
  counts.failed = count_of(number(row.row, "request_accounting.records_error_dropped"));
  const auto all = count_of(number(row.row, "num_requests_total"));
  if (!counts.failed && all && counts.completed) {
    counts.failed = std::max<int64_t>(0, *all - *counts.completed);
  }
}

void read_lengths(const Row& row, Run& run) {
  const Json& from = row.nested != nullptr ? *row.nested : row.row;
  const auto input = first_number(from, {"tokens.input.mean", "mean_input_tokens"});
  const auto output = first_number(
      from, {"tokens.output_actual.mean", "mean_output_tokens_actual", "mean_output_tokens"});
  if (input || output) {
    run.input_tokens =
        token_count(input, first_number(from, {"tokens.input.std", "std_input_tokens"}));
    run.output_tokens = token_count(
        output, first_number(from, {"tokens.output_actual.std", "std_output_tokens_actual"}));
    return;
  }
  run.lengths_requested = true;
  run.input_tokens = token_count(number(row.row, "isl"), 0);
  run.output_tokens = token_count(number(row.row, "osl"), 0);
}

void read_rates(const Row& row, const Gpus& gpus, const Document& document, Run& run) {
  const Json& from = row.nested != nullptr ? *row.nested : row.figures;
  run.stats.wall_seconds = first_number(from, {"throughput.duration_seconds", "duration_seconds"});
  run.stats.output_throughput_tps =
      first_number(from, {"throughput.output.tokens_per_second", "output_tput_tps"});
  const auto per_gpu = number(row.figures, "output_tput_per_gpu");
  if (!run.stats.output_throughput_tps && per_gpu) {
    run.stats.output_throughput_tps = *per_gpu * gpus.decode;
  }
  const auto all_per_gpu = number(row.figures, "tput_per_gpu");
  if (all_per_gpu && gpus.all > 0) run.stats.total_throughput_tps = *all_per_gpu * gpus.all;
  if (!run.stats.output_throughput_tps) {
    fail(document, "a row has no 'output_tput_per_gpu' and no other output throughput");
  }
}

void note_what_is_read(const Row& row, Run& run) {
  run.notes.emplace_back(
      "Latencies stand in seconds in its rows, whatever their names say. Output throughput is "
      "output_tput_per_gpu times the GPUs that it divides by (the decode GPUs where they are "
      "others), "
      "unless the row states it; 'per GPU' here divides by all GPUs.");
  if (!run.stats.requests.completed) {
    run.notes.emplace_back(
        "Its rows hold no number of requests: p99, which needs one, is left out. isl and osl are "
        "what was asked for.");
  }
  run.notes.emplace_back(
      "p75, deviations, the *_intvty figures (the deviation of a reciprocal is none) and power are "
      "left out: no such figure here.");
  if (text(row.row, "scenario_type").find("agentic") != std::string::npos) {
    run.notes.emplace_back(
        "Its agents pause between turns: fewer requests are in flight than it has users.");
  }
}

const Json* nested_metrics(const Json& row) {
  const Json* nested = find(row, "request_metrics");
  return nested != nullptr && find(*nested, "latency") != nullptr ? nested : nullptr;
}

Run read_row(const Document& document, const Json& json) {
  const Json* metrics = member(json, "metrics");  // rows of the web interface
  const Row row{json, metrics != nullptr ? *metrics : json, nested_metrics(json)};
  Run run{.tool = "InferenceX", .where = document.where};
  const auto concurrency = headcount(first_number(json, {"conc", "users"}));
  if (!concurrency) fail(document, "a row has no sensible 'conc'");
  const Gpus gpus = gpus_of(row);
  run.concurrency = *concurrency;
  run.model = text(json, "model");
  run.created_at = text(json, "date");
  run.system = {.accelerator = first_text(json, {"hw", "hardware", "device", "accelerator", "gpu",
                                                 "gpu_type", "gpu_name"}),
                .gpus = gpus.all,
                .precision = text(json, "precision"),
                .engine = text(json, "framework"),
                .mtp = speculates(json)};
  run.system.tensor_parallel = headcount(first_number(json, {"tp", "decode_tp"}));
  run.facts = facts_of_row(json);
  read_counts(row, run);
  read_lengths(row, run);
  read_rates(row, gpus, document, run);
  const auto completed = run.stats.requests.completed;
  run.stats.e2e = distribution(seconds_of(row, "e2el", completed));
  run.stats.ttft = distribution(seconds_of(row, "ttft", completed));
  run.stats.tpot = distribution(seconds_of(row, "tpot", completed));
  run.stats.icl = distribution(seconds_of(row, "itl", completed));
  note_what_is_read(row, run);
  return run;
}

bool is_row(const Json& value) {
  if (!has(value, {"conc"}) && !has(value, {"users"})) return false;
  return has(value, {"output_tput_per_gpu"}) || has(value, {"metrics.output_tput_per_gpu"}) ||
         has(value, {"output_tput_tps"}) || nested_metrics(value) != nullptr;
}

bool is_inferencex(const Document& document) {
  const Json& value = document.value;
  return value.is_array() ? !value.empty() && is_row(value.front()) : is_row(value);
}

std::vector<Run> read_inferencex(const Document& document) {
  if (!document.value.is_array()) return {read_row(document, document.value)};
  std::vector<Run> runs;
  for (const Json& row : document.value) {
    runs.push_back(read_row(document, row));
    runs.back().where += fmt::format("[{}]", runs.size() - 1);
  }
  return runs;
}

}  // namespace

const std::vector<Format>& inferencex_formats() {
  static const std::vector<Format> formats = {
      {"InferenceX rows, agentic ones too", is_inferencex, read_inferencex}};
  return formats;
}

}  // namespace llmsweep::foreign

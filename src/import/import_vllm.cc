// `vllm bench serve` and its descendants: vllm-bench, InferenceX's fork, TensorRT LLM's
// benchmark_serving. One object a run, or one a line.
#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "import/import_facts.h"
#include "llmsweep/model/names.h"

namespace llmsweep::foreign {
namespace {

// "median_ttft_ms"; in other files "median_ttft_s", or without a unit in seconds, as InferenceX's
// experiments have it.
struct NamedUnit {
  const char* suffix;
  double ms;
};
constexpr NamedUnit kNamedUnits[] = {
    {"_ms", 1}, {"_s", kSecond}, {"_seconds", kSecond}, {"_us", 1e-3}, {"", kSecond}};

NamedUnit unit_of(const Json& value, const std::string& metric) {
  for (const NamedUnit& unit : kNamedUnits) {
    for (const char* statistic : {"mean_", "median_", "p50_", "p90_", "p99_"}) {
      if (member(value, statistic + metric + unit.suffix) != nullptr) return unit;
    }
  }
  return kNamedUnits[0];
}

Figures metric_figures(const Json& value, const std::string& metric, std::optional<int64_t> count) {
  const NamedUnit unit = unit_of(value, metric);
  const auto get = [&](const std::string& statistic) {
    return number(member(value, statistic + "_" + metric + unit.suffix));
  };
  Figures figures{.mean = get("mean"), .p50 = get("median"), .count = count, .unit_ms = unit.ms};
  if (!figures.p50) figures.p50 = get("p50");
  figures.p90 = get("p90");
  figures.p95 = get("p95");
  figures.p99 = get("p99");
  figures.p999 = get("p99.9");
  figures.min = get("min");
  figures.max = get("max");
  return figures;
}

// A latency that is longer than the run was is none in seconds: then nobody says its unit.
bool exceeds_the_run(const Distribution& metric, const RunStats& stats) {
  const double longest = std::max(metric.p50.value_or(0), metric.mean.value_or(0));
  return stats.wall_seconds && longest > *stats.wall_seconds * kSecond;
}

// What is left out of a figure without "_ms" in its name, if anything.
Distribution read_metric(const Json& value, const std::string& metric, Run& run) {
  const Figures figures = metric_figures(value, metric, run.stats.requests.completed);
  Distribution read = distribution(figures);
  const bool unnamed = *unit_of(value, metric).suffix == '\0';
  if (!unnamed || (!read.p50 && !read.mean && !read.p90)) return read;
  if (exceeds_the_run(read, run.stats)) {
    run.notes.push_back(fmt::format(
        "Its {} figures are left out: no name says their unit, and seconds they cannot be.",
        metric));
    return distribution({.count = run.stats.requests.completed});
  }
  run.notes.emplace_back("Its latencies have no unit in their names: they stand in seconds.");
  return read;
}

// Lists of one entry a request; a failed request has an error and no output.
void read_lists(const Json& value, Run& run) {
  const Json* ttfts = member(value, "ttfts");
  const Json* itls = member(value, "itls");
  const std::vector<double> outputs = numbers(member(value, "output_lens"));
  if (ttfts == nullptr || !ttfts->is_array() || outputs.size() != ttfts->size()) return;
  const std::vector<double> inputs = numbers(member(value, "input_lens"));
  const std::vector<double> starts = numbers(member(value, "start_times"));
  std::vector<double> latencies = numbers(member(value, "latencies"));
  if (latencies.empty()) latencies = numbers(member(value, "e2els"));
  const Json* errors = member(value, "errors");
  for (size_t i = 0; i < outputs.size(); ++i) {
    Request request{.output_tokens = count_of(outputs[i]).value_or(0)};
    if (errors != nullptr && errors->is_array() && i < errors->size() && (*errors)[i].is_string() &&
        !(*errors)[i].get_ref<const std::string&>().empty()) {
      request.ok = false;
      request.error = (*errors)[i].get<std::string>();
    }
    if (outputs[i] <= 0) request.ok = false;
    double sum = number(&(*ttfts)[i]).value_or(0);
    request.ttft_ms = sum * 1e3;
    if (itls != nullptr && itls->is_array() && i < itls->size()) {
      for (const double gap : numbers(&(*itls)[i])) {
        sum += gap;
        request.gaps_ms.push_back(gap * 1e3);
      }
    }
    request.e2e_ms = (latencies.size() == outputs.size() ? latencies[i] : sum) * 1e3;
    if (inputs.size() == outputs.size()) request.input_tokens = count_of(inputs[i]).value_or(0);
    if (starts.size() == outputs.size()) request.start_s = starts[i];
    run.requests.push_back(std::move(request));
  }
}

// `--metadata KEY=VALUE` ends as text at the top level. The names are people's, not the tool's.
void read_metadata(const Json& value, Run& run) {
  const auto first = [&value](std::initializer_list<const char*> keys) -> std::optional<int> {
    for (const char* key : keys) {
      if (const auto found = headcount(number(member(value, key)))) return found;
    }
    return std::nullopt;
  };
  run.system.gpus = first({"num_gpus", "gpus", "gpu_count", "n_gpus"}).value_or(0);
  run.system.tensor_parallel = first({"tp", "tp_size", "tensor_parallel_size", "tensor_parallel"});
  if (run.system.gpus == 0 && run.system.tensor_parallel) {
    const int pp = first({"pp", "pp_size", "pipeline_parallel_size"}).value_or(1);
    const int dp = first({"dp", "dp_size", "data_parallel_size"}).value_or(1);
    run.system.gpus = *run.system.tensor_parallel * pp * dp;
    run.notes.emplace_back(
        pp * dp == 1 ? "The number of GPUs was taken from the metadata key for tensor parallelism."
                     : "The number of GPUs was taken from the metadata keys for tensor, pipeline "
                       "and data parallelism: their product.");
  }
  run.facts = facts_of_metadata(value);
  for (const char* key : {"num_gpus", "gpus", "gpu_count", "n_gpus"}) run.facts.erase(key);
  if (const auto rate = number(value, "request_rate")) {
    run.facts["request_rate"] = fmt::format("{}", *rate);
  }
  for (const char* key :
       {"gpu", "gpu_type", "gpu_name", "accelerator", "hw", "hardware", "device"}) {
    if (run.system.accelerator.empty()) run.system.accelerator = text(value, key);
  }
  run.system.precision = text(value, "precision");
  run.system.engine_version = text(value, "version");
}

void read_lengths(const Json& value, std::optional<int64_t> completed, Run& run) {
  run.input_tokens =
      token_count(per_request(number(value, "total_input_tokens"), completed), std::nullopt);
  run.output_tokens =
      token_count(per_request(number(value, "total_output_tokens"), completed), std::nullopt);
}

// Of our own export: what its reader must know. Reasons of a later version are left out.
void read_marks(const Json& value, Run& run) {
  if (const Json* simulated = member(value, "llmsweep_simulated")) {
    run.simulated = simulated->is_boolean() && simulated->get<bool>();
  }
  const Json* valid = member(value, "llmsweep_valid");
  run.marked_invalid = valid != nullptr && valid->is_boolean() && !valid->get<bool>();
  const Json* reasons = member(value, "llmsweep_invalid_reasons");
  if (reasons == nullptr || !reasons->is_array()) return;
  for (const Json& reason : *reasons) {
    if (!reason.is_string()) continue;
    const auto known = from_name<InvalidReason>(reason.get<std::string>());
    if (known) run.stats.invalid_reasons.push_back(*known);
  }
}

Run read_run(const Document& document, const std::string& tool, const char* e2e_name) {
  const Json& value = document.value;
  Run run{.tool = tool, .where = document.where};
  const auto completed = count_of(required(document, "completed"));
  run.model = text(value, "model_id");
  run.created_at = text(value, "date");
  run.concurrency = headcount(number(value, "max_concurrency")).value_or(0);
  read_metadata(value, run);
  read_lengths(value, completed, run);
  RunStats& stats = run.stats;
  stats.requests.completed = completed;
  stats.requests.failed = count_of(number(value, "failed"));
  const auto asked = count_of(number(value, "num_prompts"));
  if (!has(value, {"failed"}) && asked && completed) {
    stats.requests.failed = std::max<int64_t>(0, *asked - *completed);
  }
  stats.wall_seconds = number(value, "duration");
  run.most_in_flight = number(value, "max_concurrent_requests");
  stats.request_throughput_rps = number(value, "request_throughput");
  stats.output_throughput_tps = number(value, "output_throughput");
  stats.goodput_rps = number(value, "request_goodput");
  if (!stats.goodput_rps) stats.goodput_rps = number(member(value, "request_goodput:"));
  stats.e2e = read_metric(value, e2e_name, run);
  stats.ttft = read_metric(value, "ttft", run);
  stats.tpot = read_metric(value, "tpot", run);
  read_marks(value, run);
  return run;
}

void note_rates(const Json& value, Run& run) {
  const auto rate = number(value, "request_rate");
  if (rate && run.concurrency > 0) {
    run.notes.push_back(fmt::format(
        "Requests were also held to {} a second: the concurrency is an upper bound.", *rate));
  }
}

// Where a file has no figure of E2E, and a list of each request's seconds.
void read_latencies(const Json& value, Run& run) {
  if (run.stats.e2e.p50 || !run.requests.empty()) return;
  Run only_latency = run;
  for (const double seconds : numbers(member(value, "latencies"))) {
    only_latency.requests.push_back({.e2e_ms = seconds * 1e3, .output_tokens = 1});
  }
  recompute(only_latency);
  run.stats.e2e = only_latency.stats.e2e;
}

// Embeddings and rerank: no key of output.
std::vector<Run> read_pooling(const Document& document) {
  const Json& value = document.value;
  Run run = read_run(document, "vLLM bench serve", "e2el");
  RunStats& stats = run.stats;
  const auto inputs = per_request(number(value, "total_input_sequences"), stats.requests.completed);
  const bool whole = inputs && *inputs >= 1 && *inputs < 1e6 && *inputs == std::floor(*inputs);
  run.inputs_per_request = whole ? static_cast<int64_t>(*inputs) : 1;
  if (!whole) {
    run.notes.emplace_back(
        "It does not say how many texts each request has: requests a second stand for inputs.");
  }
  stats.inputs_per_s = whole ? number(value, "input_sequence_throughput") : std::nullopt;
  if (!stats.inputs_per_s) stats.inputs_per_s = stats.request_throughput_rps;
  stats.input_throughput_tps = number(value, "total_token_throughput");
  run.notes.emplace_back("Its rates are of the whole time, ramp and drain included.");
  note_rates(value, run);
  read_latencies(value, run);
  return {std::move(run)};
}

std::vector<Run> read_vllm(const Document& document) {
  const Json& value = document.value;
  const bool trt = has(value, {"user_throughput"});
  const bool inferencex = has(value, {"benchmark_start_time_unix"});
  const bool vllm_bench = has(value, {"steady_state"}) || has(value, {"max_model_len"});
  const char* tool = trt          ? "TensorRT LLM benchmark_serving"
                     : inferencex ? "InferenceX benchmark_serving"
                     : vllm_bench ? "vllm-bench"
                                  : "vLLM bench serve";
  Run run = read_run(document, tool, "e2el");
  run.stats.icl = read_metric(value, "itl", run);
  run.notes.emplace_back(
      "E2E ends at the last chunk with choices, TTFT at the first one, a chunk with only the role "
      "included; ours are the last and the first chunk with output. (vLLM's chat client since 0.33 "
      "at the latest reads them as ours.)");
  run.notes.emplace_back("Its ITL is the gap between chunks: imported as ICL; ITL is left out.");
  if (trt) run.notes.emplace_back("Energy and user throughput are left out: no such figure here.");
  if (has(value, {"steady_state"})) {
    run.notes.emplace_back(
        "Its steady_state figures are left out: its window is where the concurrency is near the "
        "peak, ours is from the C-th completion to the last issue.");
  }
  if (has(value, {"per_turn_metrics"})) {
    run.notes.emplace_back("Its per_turn_metrics are left out: a level is of all its requests.");
  }
  note_rates(value, run);
  read_lists(value, run);
  read_latencies(value, run);
  return {std::move(run)};
}

// Copies of the model (dp_size) have GPUs of their own, unless the data parallelism is attention's.
void read_server(const Json& server, Run& run) {
  const auto size = [&server](const char* key) {
    return headcount(number(server, key)).value_or(1);
  };
  for (const auto& [key, fact] : facts_of_metadata(server)) run.facts["server_info." + key] = fact;
  if (!has(server, {"tp_size"}) || run.system.gpus > 0) return;
  run.system.tensor_parallel = size("tp_size");
  const int copies = is_true(server, "enable_dp_attention") ? 1 : size("dp_size");
  run.system.gpus = size("tp_size") * size("pp_size") * copies;
  run.notes.emplace_back(
      run.system.gpus == size("tp_size")
          ? "The number of GPUs was taken from the server's tp_size."
          : "The number of GPUs was taken from the server's tp_size, pp_size and "
            "dp_size.");
}

std::vector<Run> read_sglang(const Document& document) {
  const Json& value = document.value;
  Run run = read_run(document, "SGLang bench_serving", "e2e_latency");
  run.dataset = text(value, "dataset_name");
  run.model = text(value, "server_info.model_path");
  if (run.model.empty()) run.model = text(value, "model_id");
  if (const Json* server = find(value, "server_info")) read_server(*server, run);
  run.system.engine_version = text(value, "server_info.version");
  run.mean_in_flight = number(value, "concurrency");
  run.notes.emplace_back(
      "Its ITL is left out: whether it is per chunk or per token depends on its version and "
      "backend. Failed requests are not in its file.");
  note_rates(value, run);
  read_lists(value, run);
  return {std::move(run)};
}

bool is_sglang(const Document& document) {
  return has(document.value, {"completed", "duration", "output_throughput"}) &&
         (has(document.value, {"median_e2e_latency_ms"}) ||
          has(document.value, {"total_output_tokens_retokenized"}));
}

bool is_vllm(const Document& document) {
  const Json& value = document.value;
  return value.is_object() && value.contains("completed") && value.contains("duration") &&
         value.contains("output_throughput") && value.contains("total_output_tokens");
}

bool is_pooling(const Document& document) {
  return has(document.value, {"completed", "duration", "total_input_tokens", "request_throughput",
                              "total_token_throughput"}) &&
         !document.value.contains("output_throughput") &&
         !document.value.contains("total_output_tokens");
}

}  // namespace

const std::vector<Format>& vllm_formats() {
  static const std::vector<Format> formats = {
      {"SGLang bench_serving JSON Lines", is_sglang, read_sglang},
      {"vLLM bench serve, vllm-bench, InferenceX and TensorRT LLM benchmark_serving JSON or JSON "
       "Lines",
       is_vllm, read_vllm},
      {"vLLM bench serve JSON or JSON Lines of embeddings and rerank", is_pooling, read_pooling},
  };
  return formats;
}

}  // namespace llmsweep::foreign

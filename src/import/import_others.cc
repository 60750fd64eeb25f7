// trtllm-bench, inference-benchmarker and evalscope.
#include "import/import_run.h"

#include <algorithm>
#include <filesystem>

#include "llmsweep/base/regular_file.h"

namespace llmsweep::foreign {
namespace {

// ---- trtllm-bench --report_json

bool is_trtllm_bench(const Document& document) {
  return has(document.value, {"world_info", "performance.system_output_throughput_tok_s"});
}

std::vector<Run> read_trtllm_bench(const Document& document) {
  const Json& value = document.value;
  Run run{.tool = "trtllm-bench", .where = document.where};
  const auto count = count_of(required(document, "request_info.num_requests"));
  run.model = text(value, "engine.model");
  run.system.engine = "TensorRT LLM";
  run.system.engine_version = text(value, "engine.version");
  run.system.accelerator = text(value, "machine.name");
  run.system.gpus = headcount(number(value, "world_info.world_size")).value_or(0);
  const auto size = [&value](const char* key) {
    return headcount(number(value, std::string("world_info.") + key)).value_or(0);
  };
  if (run.system.gpus == 0) run.system.gpus = size("tp_size") * std::max(1, size("pp_size"));
  if (size("tp_size") > 0) run.system.tensor_parallel = size("tp_size");
  for (const char* key : {"tp_size", "pp_size", "ep_size"}) {
    if (size(key) > 0) run.facts[key] = std::to_string(size(key));
  }
  run.input_tokens = token_count(number(value, "request_info.avg_input_length"), std::nullopt);
  run.output_tokens = token_count(number(value, "request_info.avg_output_length"), std::nullopt);
  RunStats& stats = run.stats;
  stats.requests.completed = count;
  if (const auto ms = number(value, "performance.total_latency_ms")) {
    stats.wall_seconds = *ms / 1e3;
  }
  run.mean_in_flight = number(value, "request_info.avg_num_concurrent_requests");
  stats.output_throughput_tps = required(document, "performance.system_output_throughput_tok_s");
  stats.request_throughput_rps = number(value, "performance.request_throughput_req_s");
  stats.e2e =
      distribution(figures_of(find(value, "performance.request_latency_percentiles_ms"), count, 1));
  stats.ttft =
      distribution(figures_of(find(value, "streaming_metrics.ttft_percentiles"), count, 1));
  stats.tpot =
      distribution(figures_of(find(value, "streaming_metrics.tpot_percentiles"), count, 1));
  run.notes.emplace_back(
      "It calls the engine in its own process: there is no HTTP in these latencies, so they do not "
      "compare with those of a serving client. It does not say its --concurrency.");
  return {std::move(run)};
}

// ---- inference-benchmarker

bool is_inference_benchmarker(const Document& document) {
  const Json* results = find(document.value, "results");
  return results != nullptr && results->is_array() && !results->empty() &&
         has(results->front(), {"executor_type", "e2e_latency_ms"});
}

std::vector<Run> read_inference_benchmarker(const Document& document) {
  std::vector<Run> runs;
  for (const Json& value : document.value["results"]) {
    // Rates hold no concurrency; the warm-up is none of the results.
    if (text(value, "executor_type") != "ConstantVUs" || text(value, "id") == "warmup") continue;
    Run run{.tool = "inference-benchmarker", .where = document.where};
    run.concurrency = headcount(number(value, "config.max_vus")).value_or(0);
    run.model = text(document.value, "config.model_name");
    if (run.model.empty()) run.model = text(document.value, "config.tokenizer");
    RunStats& stats = run.stats;
    const auto completed = count_of(number(value, "successful_requests"));
    stats.requests.completed = completed;
    stats.requests.failed = count_of(number(value, "failed_requests"));
    if (const auto ms = number(value, "duration_ms")) stats.wall_seconds = *ms / 1e3;
    stats.output_throughput_tps = number(value, "token_throughput_secs");
    stats.request_throughput_rps = number(value, "request_rate");
    stats.e2e = distribution(figures_of(find(value, "e2e_latency_ms"), completed, 1));
    stats.ttft = distribution(figures_of(find(value, "time_to_first_token_ms"), completed, 1));
    run.input_tokens =
        token_count(per_request(number(value, "total_tokens_sent"), completed), std::nullopt);
    run.output_tokens =
        token_count(per_request(number(value, "total_tokens"), completed), std::nullopt);
    run.notes.emplace_back("Its inter-token latency is a mean a request over chunks: left out.");
    runs.push_back(std::move(run));
  }
  if (runs.empty()) {
    fail(document, "none of its results holds a constant number of users",
         "levels come from runs of the kind ConstantVUs");
  }
  return runs;
}

// ---- evalscope perf

// The row of `percentile` in the file beside the summary.
struct EvalscopeRows {
  std::vector<Document> documents;

  Figures figures(const char* column, std::optional<double> mean, std::optional<int64_t> count,
                  double unit_ms) const {
    Figures figures{.mean = mean, .count = count, .unit_ms = unit_ms};
    for (const Document& document : documents) {
      if (!document.value.is_array()) continue;
      for (const Json& row : document.value) {
        const std::string name = text(row, "Percentiles");
        const auto value = number(member(row, column));
        if (name == "50%") figures.p50 = value;
        if (name == "90%") figures.p90 = value;
        if (name == "95%") figures.p95 = value;
        if (name == "99%") figures.p99 = value;
      }
    }
    return figures;
  }
};

bool is_evalscope(const Document& document) {
  return member(document.value, "Success Requests") != nullptr ||
         member(document.value, "Succeed requests") != nullptr;
}

std::vector<Run> read_evalscope(const Document& document) {
  const auto get = [&document](const char* key) { return number(member(document.value, key)); };
  const auto either = [&get](const char* now, const char* before) {
    const auto value = get(now);
    return value ? value : get(before);
  };
  EvalscopeRows rows;
  const auto beside = document.path.parent_path() / "benchmark_percentile.json";
  if (is_file(beside)) rows.documents = read_documents(beside);
  Run run{.tool = "evalscope perf", .where = document.where};
  const auto completed = count_of(either("Success Requests", "Succeed requests"));
  run.concurrency = headcount(either("Concurrency", "Number of concurrency")).value_or(0);
  RunStats& stats = run.stats;
  stats.requests.completed = completed;
  stats.requests.failed = count_of(either("Failed Requests", "Failed requests"));
  stats.output_throughput_tps = get("Output Throughput (tok/s)");
  stats.request_throughput_rps = get("Req Throughput (req/s)");
  stats.e2e = distribution(rows.figures("Latency (s)", get("Avg Latency (s)"), completed, kSecond));
  stats.ttft = distribution(rows.figures("TTFT (ms)", get("Avg TTFT (ms)"), completed, 1));
  stats.tpot = distribution(rows.figures("TPOT (ms)", get("Avg TPOT (ms)"), completed, 1));
  run.input_tokens = token_count(get("Avg Input Tokens"), std::nullopt);
  run.output_tokens = token_count(get("Avg Output Tokens"), std::nullopt);
  run.notes.emplace_back("Its ITL is left out: whether it is per chunk or per token is not said.");
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& other_formats() {
  static const std::vector<Format> formats = {
      {"trtllm-bench report JSON", is_trtllm_bench, read_trtllm_bench},
      {"inference-benchmarker JSON", is_inference_benchmarker, read_inference_benchmarker},
      {"evalscope benchmark_summary.json", is_evalscope, read_evalscope},
  };
  return formats;
}

}  // namespace llmsweep::foreign

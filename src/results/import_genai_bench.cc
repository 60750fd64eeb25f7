// genai-bench: one file a concurrency, and experiment_metadata.json beside them.
#include <filesystem>

#include "results/import_run.h"

namespace llmsweep::foreign {
namespace {

constexpr double kSecond = 1000;  // ms

Figures figures_of(const Json& stats, const std::string& metric, int64_t count, double unit_ms) {
  const Json* found = find(stats, metric);
  if (found == nullptr) return {};
  const auto get = [found](std::string_view key) { return number(*found, key); };
  return {.mean = get("mean"),
          .min = get("min"),
          .max = get("max"),
          .p50 = get("p50"),
          .p90 = get("p90"),
          .p95 = get("p95"),
          .p99 = get("p99"),
          .count = count,
          .unit_ms = unit_ms};
}

// Beside the file; an empty object where there is none.
Json metadata_of(const Document& document) {
  const auto path = document.path.parent_path() / "experiment_metadata.json";
  if (!std::filesystem::is_regular_file(path)) return Json::object();
  std::vector<Document> documents = read_documents(path);
  return documents.size() == 1 ? std::move(documents.front().value) : Json::object();
}

bool is_genai_bench(const Document& document) {
  return has(document.value, {"aggregated_metrics.num_concurrency", "aggregated_metrics.stats"});
}

std::vector<Run> read_genai_bench(const Document& document) {
  const Json& value = *find(document.value, "aggregated_metrics");
  const Json metadata = metadata_of(document);
  const double unit_ms = text(metadata, "metrics_time_unit") == "ms" ? 1 : kSecond;
  const Json& figures = *find(value, "stats");
  Run run{.tool = "genai-bench", .where = document.where};
  run.concurrency = static_cast<int>(required(document, "aggregated_metrics.num_concurrency"));
  const auto completed =
      static_cast<int64_t>(required(document, "aggregated_metrics.num_completed_requests"));
  run.model = text(metadata, "model");
  run.system.accelerator = text(metadata, "server_gpu_type");
  run.system.gpus = static_cast<int>(number(metadata, "server_gpu_count").value_or(0));
  run.system.engine = text(metadata, "server_engine");
  run.system.engine_version = text(metadata, "server_version");
  RunStats& stats = run.stats;
  stats.requests.completed = completed;
  stats.requests.failed = static_cast<int64_t>(number(value, "num_error_requests").value_or(0));
  stats.wall_seconds = number(value, "run_duration").value_or(0);
  stats.e2e = distribution(figures_of(figures, "e2e_latency", completed, unit_ms));
  stats.ttft = distribution(figures_of(figures, "ttft", completed, unit_ms));
  stats.tpot = distribution(figures_of(figures, "tpot", completed, unit_ms));
  stats.output_throughput_tps = number(value, "mean_output_throughput_tokens_per_s").value_or(0);
  stats.request_throughput_rps = number(value, "requests_per_second").value_or(0);
  run.input_tokens = token_count(number(figures, "num_input_tokens.mean"),
                                 number(figures, "num_input_tokens.stddev"));
  run.output_tokens = token_count(number(figures, "num_output_tokens.mean"),
                                  number(figures, "num_output_tokens.stddev"));
  run.notes.emplace_back(
      "Its output_inference_speed leaves out the time to the first token: left out. Times are in "
      "seconds unless experiment_metadata.json says ms.");
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& genai_bench_formats() {
  static const std::vector<Format> formats = {
      {"genai-bench experiment directories", is_genai_bench, read_genai_bench}};
  return formats;
}

}  // namespace llmsweep::foreign

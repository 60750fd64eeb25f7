// genai-bench: one file a concurrency, and experiment_metadata.json beside them.
#include "import/import_run.h"

#include <filesystem>

#include "llmsweep/base/regular_file.h"

namespace llmsweep::foreign {
namespace {

// Beside the file; an empty object where there is none.
Json metadata_of(const Document& document) {
  const auto path = document.path.parent_path() / "experiment_metadata.json";
  if (!is_file(path)) return Json::object();
  std::vector<Document> documents = read_documents(path);
  return documents.size() == 1 ? std::move(documents.front().value) : Json::object();
}

// The file's own word, later versions have it; else the experiment's.
double unit_of(const Json& file, const Json& metadata) {
  std::string unit = text(file, "_time_unit");
  if (unit.empty()) unit = text(metadata, "metrics_time_unit");
  return unit == "ms" ? 1 : kSecond;
}

std::optional<double> in_ms(const std::optional<double>& value, double unit_ms) {
  return value ? std::optional(*value * unit_ms) : std::nullopt;
}

void pool_requests(const Json& file, double unit_ms, Run& run) {
  const Json* list = find(file, "individual_request_metrics");
  if (list == nullptr || !list->is_array()) return;
  for (const Json& item : *list) {
    Request request;
    request.ok = find(item, "error_code") == nullptr;
    request.error = text(item, "error_message");
    request.ttft_ms = in_ms(number(item, "ttft"), unit_ms);
    request.e2e_ms = in_ms(number(item, "e2e_latency"), unit_ms);
    request.input_tokens = count_of(number(item, "num_input_tokens")).value_or(0);
    request.output_tokens = count_of(number(item, "num_output_tokens")).value_or(0);
    run.requests.push_back(std::move(request));
  }
}

bool is_genai_bench(const Document& document) {
  return has(document.value, {"aggregated_metrics.num_concurrency", "aggregated_metrics.stats"});
}

std::vector<Run> read_genai_bench(const Document& document) {
  const Json& value = *find(document.value, "aggregated_metrics");
  const Json metadata = metadata_of(document);
  const double unit_ms = unit_of(document.value, metadata);
  const Json& figures = *find(value, "stats");
  Run run{.tool = "genai-bench", .where = document.where};
  run.concurrency = headcount(required(document, "aggregated_metrics.num_concurrency")).value_or(0);
  const auto completed = count_of(required(document, "aggregated_metrics.num_completed_requests"));
  run.model = text(metadata, "api_model_name");  // "model" may be the tokenizer's folder
  if (run.model.empty()) run.model = text(metadata, "model");
  run.system.accelerator = text(metadata, "server_gpu_type");
  run.system.gpus = headcount(number(metadata, "server_gpu_count")).value_or(0);
  run.system.engine = text(metadata, "server_engine");
  run.system.engine_version = text(metadata, "server_version");
  RunStats& stats = run.stats;
  stats.requests.completed = completed;
  stats.requests.failed = count_of(number(value, "num_error_requests"));
  stats.wall_seconds = number(value, "run_duration");
  stats.e2e = distribution(figures_of(find(figures, "e2e_latency"), completed, unit_ms));
  stats.ttft = distribution(figures_of(find(figures, "ttft"), completed, unit_ms));
  stats.tpot = distribution(figures_of(find(figures, "tpot"), completed, unit_ms));
  stats.output_throughput_tps = number(value, "mean_output_throughput_tokens_per_s");
  stats.request_throughput_rps = number(value, "requests_per_second");
  run.input_tokens = token_count(number(figures, "num_input_tokens.mean"),
                                 number(figures, "num_input_tokens.stddev"));
  run.output_tokens = token_count(number(figures, "num_output_tokens.mean"),
                                  number(figures, "num_output_tokens.stddev"));
  if (const std::string scenario = text(value, "scenario"); !scenario.empty()) {
    run.facts["scenario"] = scenario;
  }
  pool_requests(document.value, unit_ms, run);
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

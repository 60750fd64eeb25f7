// inference-perf: stage_N_lifecycle_metrics.json of a reports directory, seconds.
#include "import/import_run.h"

namespace llmsweep::foreign {
namespace {

Figures latency(const Json& value, const std::string& metric, std::optional<int64_t> count) {
  return figures_of(find(value, "successes.latency." + metric), count, kSecond);
}

// All of one length where the least is the most.
std::optional<double> deviation_of(const Json& figures) {
  const auto deviation = number(member(figures, "std"));
  const auto least = number(member(figures, "min"));
  if (deviation || !least || least != number(member(figures, "max"))) return deviation;
  return 0;
}

std::optional<TokenCount> token_figures(const Json& value,
                                        std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    const Json* found = find(value, path);
    if (found == nullptr) continue;
    if (const auto mean = number(member(*found, "mean"))) {
      return token_count(mean, deviation_of(*found));
    }
  }
  return std::nullopt;
}

bool is_inference_perf(const Document& document) {
  return has(document.value, {"load_summary", "successes.count"});
}

std::vector<Run> read_inference_perf(const Document& document) {
  const Json& value = document.value;
  Run run{.tool = "inference-perf", .where = document.where};
  const auto completed = count_of(required(document, "successes.count"));
  run.concurrency = headcount(number(value, "load_summary.concurrency")).value_or(0);
  RunStats& stats = run.stats;
  stats.requests.completed = completed;
  stats.requests.failed = count_of(number(value, "failures.count"));
  stats.wall_seconds = number(value, "benchmark_time_seconds");
  run.wall_is_of_requests = false;  // of the stage
  stats.e2e = distribution(latency(value, "request_latency", completed));
  stats.ttft = distribution(latency(value, "time_to_first_token", completed));
  stats.tpot = distribution(latency(value, "time_per_output_token", completed));
  stats.icl = distribution(latency(value, "inter_token_latency", completed));
  stats.output_throughput_tps = number(value, "successes.throughput.output_tokens_per_sec");
  stats.request_throughput_rps = number(value, "successes.throughput.requests_per_sec");
  if (const auto percent = number(value, "successes.goodput_metrics.goodput_percentage")) {
    stats.goodput_fraction = *percent / 100;
  }
  stats.goodput_rps = number(value, "successes.goodput_metrics.request_goodput");
  run.input_tokens = token_figures(
      value, {"successes.prompt_tokens.total", "successes.prompt_tokens", "successes.prompt_len"});
  run.output_tokens = token_figures(value, {"successes.output_tokens", "successes.output_len"});
  run.notes.emplace_back(
      "Its inter_token_latency is the gap between chunks: imported as ICL. Its "
      "normalized_time_per_output_token includes the first token: left out.");
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& inference_perf_formats() {
  static const std::vector<Format> formats = {
      {"inference-perf stage reports", is_inference_perf, read_inference_perf}};
  return formats;
}

}  // namespace llmsweep::foreign

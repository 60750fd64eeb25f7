// llmperf: <model>_<in>_<out>_summary.json, one flat object, seconds.
#include "import/import_run.h"

namespace llmsweep::foreign {
namespace {

Figures seconds_of(const Json& value, const std::string& metric, std::optional<int64_t> count) {
  const auto get = [&](const std::string& statistic) {
    return number(member(value, "results_" + metric + "_" + statistic));
  };
  return {.mean = get("mean"),
          .min = get("min"),
          .max = get("max"),
          .p50 = get("quantiles_p50"),
          .p90 = get("quantiles_p90"),
          .p95 = get("quantiles_p95"),
          .p99 = get("quantiles_p99"),
          .count = count,
          .unit_ms = kSecond};
}

bool is_llmperf(const Document& document) {
  return has(document.value, {"num_concurrent_requests", "results_num_completed_requests"});
}

std::vector<Run> read_llmperf(const Document& document) {
  const Json& value = document.value;
  Run run{.tool = "llmperf", .where = document.where};
  const auto completed = count_of(required(document, "results_num_completed_requests"));
  run.concurrency = headcount(required(document, "num_concurrent_requests")).value_or(0);
  run.model = text(value, "model");
  run.input_tokens = token_count(number(value, "results_number_input_tokens_mean"),
                                 number(value, "results_number_input_tokens_stddev"));
  run.output_tokens = token_count(number(value, "results_number_output_tokens_mean"),
                                  number(value, "results_number_output_tokens_stddev"));
  run.stats.requests.completed = completed;
  run.stats.requests.failed = count_of(number(value, "results_number_errors"));
  run.stats.output_throughput_tps = number(value, "results_mean_output_throughput_token_per_s");
  if (const auto minute = number(value, "results_num_completed_requests_per_min")) {
    run.stats.request_throughput_rps = *minute / 60;
  }
  run.stats.e2e = distribution(seconds_of(value, "end_to_end_latency_s", completed));
  run.stats.ttft = distribution(seconds_of(value, "ttft_s", completed));
  run.stats.output_speed_tps =
      number(member(value, "results_request_output_throughput_token_per_s_quantiles_p50"));
  run.notes.emplace_back(
      "Its inter-token latency includes the time to the first token: TPOT and ITL are left out. It "
      "counts tokens with its own tokenizer, not the server's.");
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& llmperf_formats() {
  static const std::vector<Format> formats = {{"llmperf summary JSON", is_llmperf, read_llmperf}};
  return formats;
}

}  // namespace llmsweep::foreign

// GuideLLM: benchmarks.json of every version. One benchmark a level.
#include "import/import_run.h"

#include <fmt/format.h>

namespace llmsweep::foreign {
namespace {

Figures metric_figures(const Json& metrics, const std::string& metric, double unit_ms) {
  const Json* found = find(metrics, metric + ".successful");
  if (found == nullptr) return {};
  const auto get = [found](std::string_view path) { return number(*found, path); };
  Figures figures{.mean = get("mean"),
                  .min = get("min"),
                  .max = get("max"),
                  .p50 = get("percentiles.p50"),
                  .p90 = get("percentiles.p90"),
                  .p95 = get("percentiles.p95"),
                  .p99 = get("percentiles.p99"),
                  .p999 = get("percentiles.p999"),
                  .count = count_of(get("count")),
                  .unit_ms = unit_ms};
  if (!figures.p50) figures.p50 = get("median");
  return figures;
}

// Versions keep the strategy, the requests and the totals in different places.
const Json* first_of(const Json& value, std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) {
    if (const Json* found = find(value, path)) return found;
  }
  return nullptr;
}

std::optional<double> first_number(const Json& value,
                                   std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) {
    if (const auto found = number(value, path)) return found;
  }
  return std::nullopt;
}

std::optional<double> span_ms(const std::optional<double>& from, const std::optional<double>& to) {
  if (!from || !to || *to < *from) return std::nullopt;
  return (*to - *from) * kSecond;
}

Request one_request(const Json& value) {
  Request request;
  const auto start = first_number(value, {"info.timings.request_start", "start_time"});
  const auto first = first_number(value, {"info.timings.first_token_iteration",
                                          "info.timings.first_iteration", "first_token_time"});
  const auto answer = first_number(value, {"info.timings.first_output_token_iteration"});
  const auto last = first_number(value, {"info.timings.last_token_iteration",
                                         "info.timings.last_iteration", "last_token_time"});
  request.start_s = start;
  request.ttft_ms = span_ms(start, first);
  request.ttfo_ms = span_ms(start, answer);
  request.e2e_ms = span_ms(start, last);
  request.input_tokens = count_of(first_number(value, {"prompt_tokens"})).value_or(0);
  request.output_tokens = count_of(first_number(value, {"output_tokens"})).value_or(0);
  return request;
}

// Only where the file lists every completed request: it may hold a sample of them.
void take_requests(const Json& benchmark, Run& run) {
  const Json* list = find(benchmark, "requests.successful");
  if (list == nullptr || !list->is_array()) return;
  if (static_cast<int64_t>(list->size()) != run.stats.requests.completed) {
    const auto listed = static_cast<int64_t>(list->size());
    if (listed > run.stats.requests.completed) {
      run.notes.push_back(fmt::format(
          "It lists {} requests, those of warm-up and cool-down as well: not used.", listed));
    } else if (listed > 0) {
      run.notes.emplace_back("It lists a sample of its requests: not used.");
    }
    return;
  }
  for (const Json& value : *list) run.requests.push_back(one_request(value));
}

int concurrency_of(const Json& benchmark) {
  const Json* strategy = first_of(benchmark, {"config.strategy", "args.strategy"});
  if (strategy == nullptr) return 0;
  const std::string type = text(*strategy, "type_");
  if (type == "synchronous") return 1;
  if (type != "concurrent") return 0;
  return headcount(first_number(*strategy, {"streams", "max_concurrency"})).value_or(0);
}

std::string model_of(const Json& file, const Json& benchmark) {
  for (const char* path :
       {"config.backend.model", "worker.backend_model", "benchmarker.backend.model"}) {
    if (std::string model = text(benchmark, path); !model.empty()) return model;
  }
  for (const char* path : {"config.spec.backend.model", "args.model"}) {
    if (std::string model = text(file, path); !model.empty()) return model;
  }
  return {};
}

Run read_benchmark(const Document& document, const Json& benchmark) {
  const Json* metrics = find(benchmark, "metrics");
  if (metrics == nullptr) fail(document, "a benchmark has no 'metrics'");
  Run run{.tool = "GuideLLM", .where = document.where};
  run.concurrency = concurrency_of(benchmark);
  run.model = model_of(document.value, benchmark);
  RunStats& stats = run.stats;
  stats.e2e = distribution(metric_figures(*metrics, "request_latency", kSecond));
  stats.ttft = distribution(metric_figures(*metrics, "time_to_first_token_ms", 1));
  stats.ttfo = distribution(metric_figures(*metrics, "time_to_first_output_token_ms", 1));
  stats.tpot = distribution(metric_figures(*metrics, "inter_token_latency_ms", 1));
  stats.requests.completed = count_of(
      first_number(benchmark, {"metrics.request_totals.successful", "request_totals.successful",
                               "run_stats.requests_made.successful"}));
  if (!stats.requests.completed) stats.requests.completed = stats.e2e.count;
  stats.requests.failed =
      count_of(first_number(benchmark, {"metrics.request_totals.errored", "request_totals.errored",
                                        "run_stats.requests_made.errored"}));
  run.input_tokens = token_count(number(*metrics, "prompt_token_count.successful.mean"),
                                 number(*metrics, "prompt_token_count.successful.std_dev"));
  run.output_tokens = token_count(number(*metrics, "output_token_count.successful.mean"),
                                  number(*metrics, "output_token_count.successful.std_dev"));
  stats.wall_seconds = first_number(benchmark, {"duration"});
  run.wall_is_of_requests = false;  // warm-up and cool-down are in it, and not in the requests
  stats.output_throughput_tps = first_number(*metrics, {"output_tokens_per_second.successful.mean",
                                                        "output_tokens_per_second.total.mean"});
  stats.request_throughput_rps = first_number(*metrics, {"requests_per_second.successful.mean"});
  run.mean_in_flight = number(*metrics, "request_concurrency.successful.mean");
  run.notes.emplace_back(
      "Its inter_token_latency_ms is our TPOT. Its time_per_output_token_ms includes the first "
      "token, its ITL and ours differ: both are left out.");
  take_requests(benchmark, run);
  return run;
}

bool is_guidellm(const Document& document) {
  const Json* benchmarks = find(document.value, "benchmarks");
  return benchmarks != nullptr && benchmarks->is_array() && !benchmarks->empty() &&
         find(benchmarks->front(), "metrics.request_latency") != nullptr;
}

std::vector<Run> read_guidellm(const Document& document) {
  std::vector<Run> runs;
  int open_loop = 0;
  for (const Json& benchmark : document.value["benchmarks"]) {
    Run run = read_benchmark(document, benchmark);
    if (run.concurrency < 1) {
      ++open_loop;
      continue;
    }
    runs.push_back(std::move(run));
  }
  if (runs.empty()) {
    fail(document, "none of its benchmarks holds a concurrency",
         "levels come from the strategies 'concurrent' and 'synchronous'");
  }
  if (open_loop > 0) {
    runs.front().notes.push_back(fmt::format(
        "{} benchmarks of another strategy (throughput, constant, poisson) are left out: they do "
        "not hold a concurrency.",
        open_loop));
  }
  return runs;
}

}  // namespace

const std::vector<Format>& guidellm_formats() {
  static const std::vector<Format> formats = {
      {"GuideLLM benchmarks.json", is_guidellm, read_guidellm}};
  return formats;
}

}  // namespace llmsweep::foreign

// MLPerf Endpoints: result_summary.json of a performance run, nanoseconds.
#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep::foreign {
namespace {

constexpr double kNanosecond = 1e-6;  // ms

// The percentiles stand in an object by their number: {"50": …, "99.9": …}.
Figures figures_in_ns(const Json& value, const char* metric, std::optional<int64_t> count) {
  Figures figures = figures_of(find(value, metric), count, kNanosecond);
  const Json* percentiles = find(value, std::string(metric) + ".percentiles");
  if (percentiles == nullptr) return figures;
  const auto at = [percentiles](const char* whole, const char* with_point) {
    const auto found = number(member(*percentiles, whole));
    return found ? found : number(member(*percentiles, with_point));
  };
  if (!figures.p50) figures.p50 = at("50", "50.0");
  figures.p90 = at("90", "90.0");
  figures.p95 = at("95", "95.0");
  figures.p99 = at("99", "99.0");
  figures.p999 = at("99.9", "99.90");
  return figures;
}

std::optional<TokenCount> lengths_of(const Json& value, const std::string& metric) {
  return token_count(number(value, metric + ".avg"), number(value, metric + ".std_dev"));
}

bool is_mlperf(const Document& document) {
  return has(document.value, {"n_samples_issued", "n_samples_completed", "latency"});
}

void require_concurrency(const Document& document) {
  const std::string pattern = text(document.value, "run_config.load_pattern.type");
  if (pattern.empty() || pattern == "concurrency") return;
  fail(document,
       fmt::format("its load pattern is '{}', which holds no concurrency", printable(pattern, 60)),
       "levels come from runs with --load-pattern concurrency");
}

std::vector<Run> read_mlperf(const Document& document) {
  require_concurrency(document);
  const Json& value = document.value;
  Run run{.tool = "MLPerf Endpoints", .where = document.where};
  run.concurrency =
      headcount(number(value, "run_config.load_pattern.target_concurrency")).value_or(0);
  RunStats& stats = run.stats;
  const auto ended = count_of(number(value, "n_samples_completed"));
  stats.requests.failed = count_of(number(value, "n_samples_failed"));
  stats.requests.completed = ended;  // the failed ones end as well
  if (ended) {
    stats.requests.completed = std::max<int64_t>(0, *ended - stats.requests.failed.value_or(0));
  }
  const auto completed = stats.requests.completed;
  if (const auto ns = number(value, "duration_ns")) stats.wall_seconds = *ns / 1e9;
  stats.output_throughput_tps = number(value, "tps");
  stats.request_throughput_rps = number(value, "qps");
  stats.e2e = distribution(figures_in_ns(value, "latency", completed));
  stats.ttft = distribution(figures_in_ns(value, "ttft", completed));
  stats.tpot = distribution(figures_in_ns(value, "tpot", completed));
  run.input_tokens = lengths_of(value, "input_sequence_lengths");
  run.output_tokens = lengths_of(value, "output_sequence_lengths");
  const Json* complete = find(value, "complete");
  run.interrupted = text(value, "state") == "interrupted" ||
                    (complete != nullptr && complete->is_boolean() && !complete->get<bool>());
  if (has(value, {"llmsweep"})) run.sweep = document.path.string();
  run.simulated = is_true(value, "llmsweep.simulated");
  run.marked_invalid = is_true(value, "llmsweep.invalid");
  run.notes.emplace_back(
      "Not an MLPerf result. It counts tokens with its own tokenizer, and failed samples among "
      "those that completed; its early-stopping estimates are left out. It names no model and no "
      "GPUs: config.yaml beside it does.");
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& mlperf_formats() {
  static const std::vector<Format> formats = {
      {"MLPerf Endpoints result_summary.json", is_mlperf, read_mlperf}};
  return formats;
}

}  // namespace llmsweep::foreign

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "report/cells.h"
#include "report/escape.h"

namespace llmsweep {
namespace {

// A line under construction: names once, then values in the same order.
struct Field {
  std::string name;
  std::string value;
};
using Line = std::vector<Field>;

std::string cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}
std::string cell(const std::optional<double>& value) {
  return value ? cell(*value) : "";
}

void add_interval(Line& line, const std::string& name, const std::optional<Interval>& interval) {
  line.push_back({name + "_low", interval ? cell(interval->low) : ""});
  line.push_back({name + "_high", interval ? cell(interval->high) : ""});
}

void add_distribution(Line& line, const std::string& name, const Distribution& distribution) {
  const bool any = distribution.count > 0;
  line.push_back({name + "_ms_p50", cell(distribution.p50)});
  line.push_back({name + "_ms_p90", cell(distribution.p90)});
  line.push_back({name + "_ms_p95", cell(distribution.p95)});
  line.push_back({name + "_ms_p99", cell(distribution.p99)});
  line.push_back({name + "_ms_mean", any ? cell(distribution.mean) : ""});
  line.push_back({name + "_ms_min", any ? cell(distribution.min) : ""});
  line.push_back({name + "_ms_max", any ? cell(distribution.max) : ""});
}

template <class Kind>
std::string names(const std::vector<Kind>& kinds) {
  std::vector<std::string> parts;
  for (const Kind kind : kinds) parts.emplace_back(name_of(kind));
  return join(parts, " ");
}

void add_system(Line& line, const SweepResult& result) {
  const SystemSpec& system = result.system;
  line.push_back({"name", report::csv_text(result.name)});
  line.push_back({"model", report::csv_text(result.model)});
  line.push_back({"source", std::string(name_of(result.source))});
  line.push_back({"marks", join(marks_of(result), " ")});
  line.push_back({"accelerator", report::csv_text(system.accelerator)});
  line.push_back({"gpus", system.gpus > 0 ? std::to_string(system.gpus) : ""});
  line.push_back({"precision", report::csv_text(system.precision)});
  line.push_back({"engine", report::csv_text(system.engine)});
  line.push_back({"engine_version", report::csv_text(system.engine_version)});
}

Line line_of(const SweepResult& result, const LevelStats& level) {
  const RunStats& run = level.pooled;
  Line line;
  add_system(line, result);
  line.push_back({"concurrency", std::to_string(level.point.concurrency())});
  line.push_back({"repeats", std::to_string(level.runs.size())});
  line.push_back({"valid", run.valid ? "true" : "false"});
  line.push_back({"invalid_reasons", names(run.invalid_reasons)});
  line.push_back({"warnings", names(run.warnings)});
  line.push_back({"requests_completed", std::to_string(run.requests.completed)});
  line.push_back({"requests_failed", std::to_string(run.requests.failed)});
  line.push_back({"steady_output_throughput_tps", cell(run.steady_output_throughput_tps)});
  add_interval(line, "throughput_between_runs_ci95", level.throughput_between_runs_ci95);
  line.push_back({"output_throughput_tps", cell(run.output_throughput_tps)});
  line.push_back({"drain_bias", cell(run.drain_bias)});
  line.push_back({"throughput_per_gpu_tps", cell(run.throughput_per_gpu_tps)});
  line.push_back({"request_throughput_rps", cell(run.request_throughput_rps)});
  line.push_back({"throughput_per_latency", cell(run.throughput_per_latency)});
  line.push_back({"output_speed_tps", cell(run.output_speed_tps)});
  line.push_back({"decode_speed_tps", cell(run.decode_speed_tps)});
  line.push_back({"goodput_fraction", cell(run.goodput_fraction)});
  line.push_back({"achieved_concurrency", cell(run.achieved_concurrency)});
  line.push_back({"input_tokens_mean", cell(run.input_tokens_mean)});
  line.push_back({"output_tokens_mean", cell(run.output_tokens_mean)});
  add_distribution(line, "e2e", run.e2e);
  add_interval(line, "e2e_ms_p50_ci95_within_run", run.e2e.p50_ci95);
  add_interval(line, "e2e_ms_p50_ci95_between_runs", level.e2e_p50_between_runs_ci95);
  add_distribution(line, "ttft", run.ttft);
  add_distribution(line, "ttfo", run.ttfo);
  add_distribution(line, "tpot", run.tpot);
  add_distribution(line, "itl", run.itl);
  add_distribution(line, "icl", run.icl);
  line.push_back({"client_busy_fraction", cell(run.client.busy_fraction)});
  return line;
}

std::string rendered(const Line& line, std::string Field::*member) {
  std::vector<std::string> fields;
  for (const Field& field : line) fields.push_back(field.*member);
  return join(fields, ",") + "\r\n";
}

}  // namespace

std::string levels_csv(std::span<const SweepResult> results) {
  std::string text = rendered(line_of({}, {}), &Field::name);
  for (const SweepResult& result : results) {
    for (const LevelStats& level : result.levels) {
      text += rendered(line_of(result, level), &Field::value);
    }
  }
  return text;
}

}  // namespace llmsweep

// AIPerf and GenAI-Perf: profile_export_aiperf.json in its three layouts, profile_export_genai_perf
// .json, and AIPerf's per-request profile_export.jsonl. One directory a level in a sweep.
#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"

namespace llmsweep::foreign {
namespace {

const char* const kRequestFile = "profile_export.jsonl";
constexpr double kSameCount = 0.01;

// Milliseconds a unit; nothing where the unit is none of time.
std::optional<double> unit_ms(const std::string& unit) {
  if (unit == "ms" || unit == "milliseconds") return 1;
  if (unit == "s" || unit == "sec" || unit == "seconds") return 1e3;
  if (unit == "us" || unit == "microseconds") return 1e-3;
  if (unit == "ns" || unit == "nanoseconds") return 1e-6;
  return std::nullopt;
}

// Layout (a) has the tags below "records", the others at the top.
const Json& tags_of(const Json& value) {
  const Json* records = find(value, "records");
  return records != nullptr && records->is_object() ? *records : value;
}

std::optional<double> average(const Json& tags, const char* tag) {
  const Json* found = member(tags, tag);
  return found == nullptr ? std::nullopt : number(*found, "avg");
}

Figures times_of(const Document& document, const char* tag, std::optional<int64_t> count) {
  const Json* found = member(tags_of(document.value), tag);
  if (found == nullptr) return {.count = count};
  const std::string unit = text(*found, "unit");
  const auto ms = unit_ms(unit);
  if (!ms) {
    fail(document, fmt::format("the unit '{}' of '{}' is none of time", printable(unit), tag));
  }
  return figures_of(found, count, *ms);
}

bool names_concurrency(const std::string& key) {
  return key == "concurrency" || key.ends_with(".concurrency");
}

// Since 0.13 the configuration lists phases; a warm-up may have a concurrency of its own.
std::optional<double> of_profiling_phase(const Json& value) {
  const Json* phases = find(value, "input_config.phases");
  if (phases == nullptr || !phases->is_array()) return std::nullopt;
  for (const Json& phase : *phases) {
    if (text(phase, "kind") == "profiling") return number(phase, "concurrency");
  }
  return std::nullopt;
}

// From the configuration, a sweep's variation, or a directory called concurrency_40.
int concurrency_of(const Document& document) {
  if (const auto phase = headcount(of_profiling_phase(document.value))) return *phase;
  for (const char* place : {"run_info.variation_values", "input_config"}) {
    const Json* config = find(document.value, place);
    if (config == nullptr) continue;
    if (const auto found = headcount(search(*config, names_concurrency))) return *found;
  }
  for (const auto& part : document.path.parent_path()) {
    const std::string name = part.string();
    const size_t at = name.find("concurrency");
    if (at == name.npos || at + 12 >= name.size()) continue;
    const auto found = parse_int(std::string_view(name).substr(at + 12));
    if (found && *found >= 1 && *found <= 1'000'000) return static_cast<int>(*found);
  }
  return 0;
}

std::string model_of(const Json& value) {
  if (const Json* models = find(value, "input_config.models.items")) {
    if (models->is_array() && !models->empty()) return text(models->front(), "name");
  }
  for (const char* path :
       {"input_config.endpoint.model_names", "input_config.model_names", "input_config.models"}) {
    const Json* names = find(value, path);
    if (names == nullptr) continue;
    if (names->is_string()) return names->get<std::string>();
    if (names->is_array() && !names->empty() && names->front().is_string()) {
      return names->front().get<std::string>();
    }
  }
  return {};
}

std::optional<double> value_ms(const Json& metrics, const char* tag) {
  const Json* found = member(metrics, tag);
  if (found == nullptr) return std::nullopt;
  const auto ms = unit_ms(text(*found, "unit"));
  const auto value = number(*found, "value");
  return ms && value ? std::optional(*value * *ms) : std::nullopt;
}

// The server's count where the file has it, else that of the tool's tokenizer.
int64_t tokens(const Json& metrics, const char* of_server, const char* of_tool) {
  const auto value = [&metrics](const char* tag) {
    return number(metrics, std::string(tag) + ".value").value_or(0);
  };
  const double counted = value(of_server);
  return count_of(counted > 0 ? counted : value(of_tool)).value_or(0);
}

Request of_request_line(const Json& line) {
  Request request;
  const Json* metrics = find(line, "metrics");
  if (const auto start = number(line, "metadata.request_start_ns")) {
    request.start_s = *start / 1e9;
  }
  request.ok = find(line, "error") == nullptr && !is_true(line, "metadata.was_cancelled");
  request.error = text(line, "error.message");
  if (metrics == nullptr) return request;
  request.e2e_ms = value_ms(*metrics, "request_latency");
  request.ttft_ms = value_ms(*metrics, "time_to_first_token");
  request.ttfo_ms = value_ms(*metrics, "time_to_first_output_token");
  request.input_tokens = tokens(*metrics, "usage_prompt_tokens", "input_sequence_length");
  request.output_tokens = tokens(*metrics, "usage_completion_tokens", "output_sequence_length");
  if (const Json* gaps = find(*metrics, "inter_chunk_latency")) {
    const double ms = unit_ms(text(*gaps, "unit")).value_or(1);
    for (const double gap : numbers(find(*gaps, "value"))) request.gaps_ms.push_back(gap * ms);
  }
  return request;
}

bool is_request_line(const Json& value) {
  return has(value, {"metadata.request_start_ns", "metadata.request_end_ns"});
}

// An empty file: no request was sent, or none lived to be written down.
void read_request_lines(const std::filesystem::path& path, Run& run) {
  std::error_code unknown;
  if (std::filesystem::file_size(path, unknown) == 0) return;
  for (const Document& line : read_documents(path)) {
    if (!is_request_line(line.value)) fail(line, "not a line of AIPerf's requests");
    if (text(line.value, "metadata.benchmark_phase") == "warmup") continue;
    run.requests.push_back(of_request_line(line.value));
  }
}

std::optional<TokenCount> tokens_of(const Json& tags, const char* tag) {
  const Json* found = member(tags, tag);
  return found == nullptr ? std::nullopt
                          : token_count(number(*found, "avg"), number(*found, "std"));
}

// Its throughput and TPOT are made of its tokenizer's counts: where the server's differ, the one
// is converted and the other, which cannot be, left out.
void take_token_counts(const Json& tags, Run& run) {
  run.input_tokens = tokens_of(tags, "usage_prompt_tokens");
  if (!run.input_tokens) run.input_tokens = tokens_of(tags, "input_sequence_length");
  run.output_tokens = tokens_of(tags, "usage_completion_tokens");
  if (!run.output_tokens) run.output_tokens = tokens_of(tags, "output_sequence_length");
  const auto server = average(tags, "usage_completion_tokens");
  const auto tool = average(tags, "output_sequence_length");
  if (!server || !tool || *tool <= 0 || std::abs(*server / *tool - 1) <= kSameCount) return;
  // Its own rates divide by a time that is longer than the benchmark_duration beside them.
  RunStats& stats = run.stats;
  if (stats.wall_seconds.value_or(0) > 0 && stats.requests.completed) {
    stats.output_throughput_tps =
        *server * static_cast<double>(*stats.requests.completed) / *stats.wall_seconds;
  } else if (stats.output_throughput_tps) {
    stats.output_throughput_tps = *stats.output_throughput_tps * *server / *tool;
  }
  stats.tpot = {};
  run.notes.emplace_back(
      "Its tokenizer and the server's usage count different output tokens: the usage is taken, and "
      "the TPOT of its summary, which cannot be converted, left out.");
}

// A run whose requests all failed has no latency.
bool is_aiperf(const Document& document) {
  const Json& tags = tags_of(document.value);
  return has(tags, {"request_latency.unit", "request_latency.avg"}) ||
         has(document.value, {"aiperf_version", "input_config"}) ||
         (has(tags, {"error_request_count.avg"}) && has(document.value, {"input_config"}));
}

// Without the list of its requests.
Run read_summary(const Document& document) {
  const Json& value = document.value;
  const Json& tags = tags_of(value);
  const bool genai_perf =
      document.path.filename().string().find("genai_perf") != std::string::npos ||
      has(value, {"input_config.perf_analyzer"});
  Run run{.tool = genai_perf ? "GenAI-Perf" : "AIPerf", .where = document.where};
  run.concurrency = concurrency_of(document);
  run.model = model_of(value);
  RunStats& stats = run.stats;
  // Neither count is there where it would be 0.
  const bool any = member(tags, "request_latency") != nullptr;
  const auto completed = any ? count_of(average(tags, "request_count")) : std::optional<int64_t>(0);
  stats.requests.completed = completed;
  stats.requests.failed = count_of(average(tags, "error_request_count").value_or(0));
  run.interrupted = is_true(value, "was_cancelled");
  stats.e2e = distribution(times_of(document, "request_latency", completed));
  stats.ttft = distribution(times_of(document, "time_to_first_token", completed));
  stats.ttfo = distribution(times_of(document, "time_to_first_output_token", completed));
  stats.tpot = distribution(times_of(document, "inter_token_latency", completed));
  stats.output_throughput_tps = average(tags, "output_token_throughput");
  stats.request_throughput_rps = average(tags, "request_throughput");
  run.mean_in_flight = average(tags, "effective_concurrency");
  stats.goodput_rps = average(tags, "goodput");
  if (const Json* duration = member(tags, "benchmark_duration")) {
    const auto ms = unit_ms(text(*duration, "unit"));
    const auto length = number(*duration, "avg");
    if (ms && length) stats.wall_seconds = *length * *ms / 1e3;
  }
  take_token_counts(tags, run);
  run.notes.emplace_back(
      "Its inter_token_latency is one value a request, our TPOT; ITL is left out. Failures are "
      "counted by error_request_count, not by the kinds in error_summary.");
  return run;
}

std::vector<Run> read_aiperf(const Document& document) {
  Run run = read_summary(document);
  const auto requests = document.path.parent_path() / kRequestFile;
  if (is_file(requests)) read_request_lines(requests, run);
  return {std::move(run)};
}

// ---- profile_export_aiperf_sweep.json: the levels of a sweep, each the mean of its trials.

// A list of combinations, or, in the first versions, metrics by the value of one parameter.
const Json* levels_of(const Json& sweep) {
  const Json* list = find(sweep, "per_combination_metrics");
  if (list != nullptr && list->is_array() && !list->empty()) return list;
  const Json* by_value = find(sweep, "per_value_metrics");
  return by_value != nullptr && by_value->is_object() && !by_value->empty() ? by_value : nullptr;
}

bool is_sweep(const Document& document) {
  return levels_of(document.value) != nullptr;
}

struct SweepLevel {
  Json parameters;
  Json metrics;
};
std::vector<SweepLevel> sweep_levels(const Document& document) {
  std::vector<SweepLevel> levels;
  const Json& list = *levels_of(document.value);
  const std::string parameter = text(document.value, "metadata.parameter_name");
  for (const auto& [key, level] : list.items()) {
    if (list.is_object()) {
      const auto value = parse_double(key);
      Json parameters = Json::object();
      parameters[parameter] = value ? Json(*value) : Json(key);
      levels.push_back({.parameters = std::move(parameters), .metrics = level});
      continue;
    }
    const Json* metrics = find(level, "metrics");
    const Json* parameters = find(level, "parameters");
    if (metrics == nullptr || parameters == nullptr) {
      fail(document, "a combination has no 'metrics' or no 'parameters'");
    }
    levels.push_back({.parameters = *parameters, .metrics = *metrics});
  }
  return levels;
}

// Of several trials each statistic stands by itself, with its mean over them:
// {"request_latency_p99": {"mean": …, "std": …, "unit": "ms"}}.
Json metrics_by_tag(const Json& metrics) {
  Json tags = Json::object();
  for (const auto& [key, figures] : metrics.items()) {
    const size_t at = key.rfind('_');
    const std::string statistic = at == key.npos ? std::string() : key.substr(at + 1);
    constexpr std::array kStatistics = {"avg", "min", "max", "std", "p1",  "p5", "p10",
                                        "p25", "p50", "p75", "p90", "p95", "p99"};
    const Json* mean = member(figures, "mean");
    const bool apart =
        mean != nullptr && member(figures, "avg") == nullptr &&
        std::find(kStatistics.begin(), kStatistics.end(), statistic) != kStatistics.end();
    if (!apart) {
      tags[key] = figures;
      continue;
    }
    Json& tag = tags[key.substr(0, at)];
    tag[statistic] = *mean;
    tag["unit"] = text(figures, "unit");
  }
  return tags;
}

// The parameters beside the concurrency make another system or workload.
Facts facts_of_parameters(const Json& parameters) {
  Facts facts;
  if (!parameters.is_object()) return facts;
  for (const auto& [key, value] : parameters.items()) {
    if (names_concurrency(key)) continue;
    facts[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return facts;
}

void note_failed_runs(const Json& sweep, Run& run) {
  const Json* failed = find(sweep, "failed_runs");
  if (failed == nullptr || !failed->is_array() || failed->empty()) return;
  std::vector<std::string> names;
  for (const Json& item : *failed) {
    const std::string name = item.is_string() ? item.get<std::string>() : text(item, "label");
    names.push_back(printable(name.empty() ? item.dump() : name, 100));
  }
  run.notes.push_back(fmt::format("{} of its runs failed and are in no level: {}.", names.size(),
                                  join(names, ", ")));
}

std::vector<Run> read_sweep(const Document& document) {
  std::vector<Run> runs;
  for (const SweepLevel& level : sweep_levels(document)) {
    Document part{metrics_by_tag(level.metrics), fmt::format("{}[{}]", document.where, runs.size()),
                  document.path};
    part.value["input_config"] = level.parameters;
    Run run = read_summary(part);
    run.facts = facts_of_parameters(level.parameters);
    runs.push_back(std::move(run));
  }
  if (number(document.value, "metadata.num_trials_per_value").value_or(1) > 1) {
    runs.front().notes.emplace_back(
        "Each of its levels is the mean of several trials: as one run. Give the folder of the runs "
        "to have each.");
  }
  note_failed_runs(document.value, runs.front());
  return runs;
}

bool is_request_file(const Document& document) {
  return is_request_line(document.value);
}

std::vector<Run> read_request_file(const Document& document) {
  Run run{.tool = "AIPerf", .where = document.path.string()};
  run.concurrency = concurrency_of(document);
  read_request_lines(document.path, run);
  std::vector<double> input, output;
  for (const Request& request : run.requests) {
    if (!request.ok) continue;
    input.push_back(static_cast<double>(request.input_tokens));
    output.push_back(static_cast<double>(request.output_tokens));
  }
  const auto all = static_cast<int64_t>(run.requests.size());
  const auto completed = static_cast<int64_t>(input.size());
  run.stats.requests = {.completed = completed, .failed = all - completed};
  run.input_tokens = token_count(input);
  run.output_tokens = token_count(output);
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& aiperf_formats() {
  static const std::vector<Format> formats = {
      {"GenAI-Perf and AIPerf profile_export_{genai_perf,aiperf}.json", is_aiperf, read_aiperf},
      {"its sweeps (profile_export_aiperf_sweep.json)", is_sweep, read_sweep},
      {"its requests (profile_export.jsonl)", is_request_file, read_request_file, true},
  };
  return formats;
}

}  // namespace llmsweep::foreign

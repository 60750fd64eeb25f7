// llm-d's Benchmark Report, 0.1 to 0.2.1: YAML or JSON, a document a level. Every statistic has its
// units.
#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "import/import_facts.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep::foreign {
namespace {

// Where 0.1 and 0.2 keep the same.
struct Layout {
  const Json& aggregate;  // with `requests`, `latency` and `throughput`
  bool old;               // 0.1
};

const Json* aggregate_of(const Json& report) {
  const Json* aggregate = find(report, "results.request_performance.aggregate");
  if (aggregate != nullptr) return aggregate;
  return has(report, {"scenario"}) ? find(report, "metrics") : nullptr;
}

// "s", "s/token": milliseconds; absent: another unit.
std::optional<double> ms_of_unit(std::string unit) {
  unit = unit.substr(0, unit.find('/'));
  if (unit == "ms") return 1;
  if (unit == "s") return kSecond;
  return std::nullopt;
}

Distribution latency_of(const Document& document, const Layout& layout, const char* name,
                        std::optional<int64_t> completed) {
  const Json* metric = find(layout.aggregate, std::string("latency.") + name);
  if (metric == nullptr) return distribution({.count = completed});
  const std::string unit = text(*metric, "units");
  const auto ms = ms_of_unit(unit);
  if (!ms) {
    fail(document, fmt::format("the units '{}' of '{}' are none of time", printable(unit), name));
  }
  return distribution(figures_of(metric, completed, *ms));
}

// A number in 0.1, a statistic in 0.2.
std::optional<double> rate_of(const Layout& layout, const char* old_name, const char* name) {
  if (layout.old) return number(layout.aggregate, std::string("throughput.") + old_name);
  return number(layout.aggregate, std::string("throughput.") + name + ".mean");
}

std::optional<TokenCount> length_of(const Layout& layout, const char* name) {
  const Json* length = find(layout.aggregate, std::string("requests.") + name);
  if (length == nullptr) return std::nullopt;
  auto deviation = number(*length, "stddev");
  const auto least = number(*length, "min");
  if (!deviation && least && least == number(*length, "max")) deviation = 0;
  return token_count(number(*length, "mean"), deviation);
}

// "PT49.97S", "PT1H2M3S".
std::optional<double> iso_seconds(std::string_view text) {
  if (!text.starts_with("PT")) return std::nullopt;
  text.remove_prefix(2);
  double seconds = 0;
  while (!text.empty()) {
    const size_t end = text.find_first_of("HMS");
    const auto value = end == text.npos ? std::nullopt : parse_double(text.substr(0, end));
    if (!value) return std::nullopt;
    seconds += *value * (text[end] == 'H' ? 3600 : text[end] == 'M' ? 60 : 1);
    text.remove_prefix(end + 1);
  }
  return seconds;
}

void read_counts(const Layout& layout, Run& run) {
  const auto all = count_of(number(layout.aggregate, "requests.total"));
  const auto failed = count_of(number(layout.aggregate, "requests.failures"));
  const auto open = count_of(number(layout.aggregate, "requests.incomplete")).value_or(0);
  run.stats.requests.failed = failed;
  run.stats.requests.completed.reset();
  if (all) run.stats.requests.completed = std::max<int64_t>(0, *all - failed.value_or(0) - open);
}

// ---- The system.

void add_part(Facts& facts, const std::string& key, const std::string& value) {
  std::string& all = facts[key];
  all += (all.empty() ? "" : "+") + value;
}

int size_of(const Json& value, std::string_view path) {
  return headcount(number(value, path)).value_or(0);
}

// The engines of the stack: GPUs are replicas × the accelerators of each.
void read_stack(const Json& stack, Run& run) {
  for (const Json& component : stack) {
    const Json* engine = find(component, "standardized");
    if (engine == nullptr || text(*engine, "kind") != "inference_engine") continue;
    if (run.model.empty()) run.model = text(*engine, "model.name");
    run.system.accelerator = text(*engine, "accelerator.model");
    run.system.engine = text(*engine, "tool");
    run.system.engine_version = text(*engine, "tool_version");
    const int replicas = std::max(1, size_of(*engine, "replicas"));
    run.system.gpus += replicas * size_of(*engine, "accelerator.count");
    const int tp = size_of(*engine, "accelerator.parallelism.tp");
    if (tp > 1) run.system.tensor_parallel = tp;
    add_part(run.facts, "role", text(*engine, "role"));
    for (const char* key : {"tp", "pp", "ep", "dp", "dp_local"}) {
      const int size = size_of(*engine, std::string("accelerator.parallelism.") + key);
      if (size > 0) add_part(run.facts, key, std::to_string(size));
    }
  }
}

void read_hosts(const Json& scenario, Run& run) {
  run.model = text(scenario, "model.name");
  run.system.precision = text(scenario, "model.quantization");
  if (const Json* hosts = find(scenario, "host.accelerator"); hosts && hosts->is_array()) {
    for (const Json& host : *hosts) {
      run.system.accelerator = text(host, "model");
      run.system.gpus += size_of(host, "count");
      for (const char* key : {"tp", "pp", "ep", "dp"}) {
        const int size = size_of(host, std::string("parallelism.") + key);
        if (size > 0) add_part(run.facts, key, std::to_string(size));
      }
    }
  }
  if (const Json* roles = find(scenario, "host.type"); roles && roles->is_array()) {
    for (const Json& role : *roles) {
      if (role.is_string()) add_part(run.facts, "role", role.get<std::string>());
    }
  }
  const Json* engines = find(scenario, "platform.engine");
  if (engines != nullptr && engines->is_array() && !engines->empty()) {
    run.system.engine = text(engines->front(), "name");
    run.system.engine_version = text(engines->front(), "version");
  }
}

// ---- The run.

// What our own export says of a level: its marks stand in the description.
void read_description(const Json& report, Run& run) {
  const std::string description = text(report, "run.description");
  run.simulated = description.starts_with("SIMULATED");
  const size_t at = description.find("INVALID");
  run.marked_invalid = at != std::string::npos;
  if (!run.marked_invalid || description.size() <= at + 9) return;
  for (const std::string& name : split(description.substr(at + 9), ',')) {
    const auto reason = from_name<InvalidReason>(trim(name));
    if (reason) run.stats.invalid_reasons.push_back(*reason);
  }
}

std::string created_at(const Json& report) {
  std::string start = text(report, "run.time.start");
  const auto seconds = number(report, "metrics.time.start");
  return start.empty() && seconds ? fmt::format("{}", *seconds) : start;
}

std::vector<Run> read_llm_d(const Document& document) {
  const Json& report = document.value;
  const Layout layout{*aggregate_of(report), !has(report, {"results"})};
  Run run{.tool = "llm-d Benchmark Report", .where = document.where};
  run.created_at = created_at(report);
  if (const Json* stack = find(report, "scenario.stack"); stack && stack->is_array()) {
    read_stack(*stack, run);
  } else if (const Json* scenario = find(report, "scenario")) {
    read_hosts(*scenario, run);
  }
  for (const char* path :
       {"scenario.load.standardized.concurrency", "scenario.load.args.max_concurrency",
        "scenario.load.args.concurrency"}) {
    if (run.concurrency == 0) run.concurrency = size_of(report, path);
  }
  read_counts(layout, run);
  RunStats& stats = run.stats;
  const auto completed = stats.requests.completed;
  stats.e2e = latency_of(document, layout, "request_latency", completed);
  stats.ttft = latency_of(document, layout, "time_to_first_token", completed);
  stats.tpot = latency_of(document, layout, "time_per_output_token", completed);
  const bool ours = text(report, "scenario.load.standardized.tool") == "llmsweep";
  if (ours) run.sweep = document.path.string();
  Distribution gaps = latency_of(document, layout, "inter_token_latency", completed);
  (ours ? stats.itl : stats.icl) = std::move(gaps);
  stats.output_throughput_tps = rate_of(layout, "output_tokens_per_sec", "output_token_rate");
  stats.request_throughput_rps = rate_of(layout, "requests_per_sec", "request_rate");
  stats.wall_seconds = layout.old ? number(layout.aggregate, "time.duration")
                                  : iso_seconds(text(report, "run.time.duration"));
  run.wall_is_of_requests = false;  // of the harness, its start included
  run.input_tokens = length_of(layout, "input_length");
  run.output_tokens = length_of(layout, "output_length");
  read_description(report, run);
  if (!ours) {
    run.notes.emplace_back(
        "It is another tool's result, converted: its inter_token_latency is imported as ICL, since "
        "some tools give the gaps between chunks by that name. normalized_time_per_output_token, "
        "which includes the first token, is left out.");
  }
  run.notes.emplace_back("GPUs are the accelerators of each engine times its replicas.");
  return {std::move(run)};
}

bool is_llm_d(const Document& document) {
  const Json* aggregate = aggregate_of(document.value);
  if (aggregate == nullptr) return false;
  const Json* latency = find(*aggregate, "latency");
  const Json* throughput = find(*aggregate, "throughput");
  return has(*aggregate, {"requests.total"}) ||
         (latency != nullptr && latency->is_object() && !latency->empty()) ||
         (throughput != nullptr && throughput->is_object() && !throughput->empty());
}

}  // namespace

const std::vector<Format>& llm_d_formats() {
  static const std::vector<Format> formats = {
      {"llm-d Benchmark Report 0.1 to 0.2.1, YAML or JSON", is_llm_d, read_llm_d}};
  return formats;
}

}  // namespace llmsweep::foreign

// MLPerf Endpoints: result_summary.json of a performance run, nanoseconds, the instants of its
// requests in the events.jsonl beside it, and what files of a submission say of it: point.yaml,
// config.yaml, system_desc.json.
#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "import/import_facts.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
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

std::optional<TokenCount> lengths_of(const Json& value, const std::string& metric,
                                     std::optional<int64_t> ended) {
  auto mean = number(value, metric + ".avg");
  if (!mean) mean = per_request(number(value, metric + ".total"), ended);
  return token_count(mean, number(value, metric + ".std_dev"));
}

// A submission's has no latency of whole requests.
bool is_mlperf(const Document& document) {
  const Json& value = document.value;
  return has(value, {"n_samples_completed", "duration_ns"}) &&
         (has(value, {"latency"}) || has(value, {"ttft"}) || has(value, {"tpot"}));
}

void require_concurrency(const Document& document, const std::string& pattern) {
  if (pattern.empty() || pattern == "concurrency") return;
  fail(document,
       fmt::format("its load pattern is '{}', which holds no concurrency", printable(pattern, 60)),
       "levels come from runs with --load-pattern concurrency");
}

// ---- events.jsonl: what happened to each sample, on one clock.

struct Sample {
  double issued_ns = 0;
  std::optional<double> first_ns, last_ns;  // chunks
  std::vector<double> gaps_ms;
  std::string error;
  bool failed = false;
};

class EventReader {
 public:
  void take(const Json& event) {
    const std::string type = text(event, "event_type");
    const auto ns = number(event, "timestamp_ns");
    const std::string sample = text(event, "sample_uuid");
    if (type == "session.start_performance_tracking") tracking_ = true;
    if (type == "session.stop_performance_tracking") tracking_ = false;
    if (!ns || sample.empty()) return;
    if (type == "sample.issued") {
      // Issued again: its clock starts again, as in its own figures.
      if (tracking_ || pending_.contains(sample)) pending_[sample].issued_ns = *ns;
      return;
    }
    const auto found = pending_.find(sample);
    if (found == pending_.end()) return;  // of a warm-up, or of accuracy
    if (type == "sample.recv_first") {
      found->second.first_ns = found->second.last_ns = *ns;
      found->second.gaps_ms.clear();
    } else if (type == "sample.recv_non_first" && found->second.last_ns) {
      found->second.gaps_ms.push_back((*ns - *found->second.last_ns) * kNanosecond);
      found->second.last_ns = *ns;
    } else if (type.starts_with("error.")) {
      found->second.failed = true;
      found->second.error = error_of(event);
    } else if (type == "sample.complete") {
      ended_.push_back(request_of(found->second, *ns, event));
      pending_.erase(found);
    }
  }

  std::vector<Request> requests() && { return std::move(ended_); }
  size_t without_end() const { return pending_.size(); }

 private:
  // ["ErrorData", its type, its message].
  static std::string error_of(const Json& event) {
    const Json* data = find(event, "data");
    if (data == nullptr || !data->is_array()) return {};
    const Json& said = data->back();
    return said.is_string() ? printable(said.get<std::string>(), 300) : std::string();
  }

  // ["TextModelOutput", output, reasoning, …], each a text or a list of chunks.
  static int64_t chunks_of(const Json& event) {
    const Json* data = find(event, "data");
    int64_t chunks = 0;
    for (size_t i = 1; data != nullptr && data->is_array() && i < data->size(); ++i) {
      const Json& part = (*data)[i];
      if (part.is_array()) chunks += static_cast<int64_t>(part.size());
      if (part.is_string()) chunks += 1;
    }
    return std::max<int64_t>(1, chunks);
  }

  static Request request_of(const Sample& sample, double ns, const Json& event) {
    Request request{.ok = !sample.failed, .error = sample.error};
    request.start_s = sample.issued_ns / 1e9;
    request.e2e_ms = (ns - sample.issued_ns) * kNanosecond;
    if (sample.first_ns) request.ttft_ms = (*sample.first_ns - sample.issued_ns) * kNanosecond;
    request.output_tokens = chunks_of(event);
    request.gaps_ms = sample.gaps_ms;
    return request;
  }

  bool tracking_ = false;
  std::map<std::string, Sample> pending_;
  std::vector<Request> ended_;
};

// Beside the summary, or above its folder "performance".
std::optional<std::filesystem::path> events_of(const std::filesystem::path& summary) {
  const std::filesystem::path folder = summary.parent_path();
  if (summary.filename() != "result_summary.json") return std::nullopt;
  if (is_file(folder / "events.jsonl")) return folder / "events.jsonl";
  const bool inside = folder.filename() == "performance";
  const auto above = folder.parent_path() / "events.jsonl";
  return inside && is_file(above) ? std::optional(above) : std::nullopt;
}

// Lines that a kill cut short, and others that are no events, are counted.
void read_events(const std::filesystem::path& path, Run& run) {
  EventReader events;
  int64_t broken = 0;
  LineReader lines(path);
  for (auto line = lines.next(); line; line = lines.next()) {
    if (trim(*line).empty()) continue;
    try {
      for (const Document& event : parse_documents(std::string(*line), path)) {
        events.take(event.value);
      }
    } catch (const Error&) {
      ++broken;
    }
  }
  if (broken > 0) {
    run.notes.push_back(fmt::format("{} lines of its events.jsonl cannot be read.", broken));
  }
  const size_t open = events.without_end();
  std::vector<Request> requests = std::move(events).requests();
  const auto completed = std::count_if(requests.begin(), requests.end(),
                                       [](const Request& request) { return request.ok; });
  // Another run's file, or one that was cut: the summary counts all that ended.
  if (run.stats.requests.completed && *run.stats.requests.completed != completed) {
    run.notes.push_back(fmt::format(
        "Its events.jsonl has {} requests that completed, its summary {}: the events are left out.",
        completed, *run.stats.requests.completed));
    return;
  }
  if (open > 0) run.notes.push_back(fmt::format("{} requests have no end in its events.", open));
  run.requests = std::move(requests);
  run.tokens_known = false;
}

// ---- What stands beside the summary. Where such a file cannot be read, nothing is taken from it.

Json beside(const Document& document, const char* name) {
  const std::filesystem::path file = document.path.parent_path() / name;
  if (!is_file(file)) return Json::object();
  try {
    std::vector<Document> documents = read_documents(file);
    if (documents.size() == 1) return std::move(documents.front().value);
  } catch (const Error&) {
    return Json::object();
  }
  return Json::object();
}

void read_point(const Document& document, Run& run) {
  const Json point = beside(document, "point.yaml");
  const Json config = beside(document, "config.yaml");
  require_concurrency(document, text(point, "runtime_settings.load_pattern"));
  require_concurrency(document, text(config, "settings.load_pattern.type"));
  for (const auto stated :
       {number(document.value, "run_config.load_pattern.target_concurrency"),
        number(point, "concurrency"), number(config, "settings.load_pattern.target_concurrency")}) {
    if (run.concurrency == 0) run.concurrency = headcount(stated).value_or(0);
  }
  run.model = text(point, "model_name");
  if (run.model.empty()) run.model = text(config, "model_params.name");
  run.system.precision = text(point, "model_precision");
}

// Each kind of node has accelerators, of one kind or more, and there are so many such nodes.
void read_system(const Json& description, Run& run) {
  const Json* nodes = find(description, "node_types");
  if (nodes == nullptr || !nodes->is_array()) return;
  run.system.engine = text(description, "serving_framework");
  if (const Json* summary = find(description, "config_summary")) {
    run.facts = facts_of_metadata(*summary);
  }
  for (const Json& node : *nodes) {
    const int count = headcount(number(node, "number_of_nodes")).value_or(1);
    const Json* kinds = find(node, "accelerator_info");
    if (kinds == nullptr || !kinds->is_array()) continue;
    for (const Json& kind : *kinds) {
      run.system.accelerator = text(kind, "accelerator_model_name");
      run.system.gpus += count * headcount(number(kind, "accelerators_per_node")).value_or(0);
    }
  }
}

std::optional<double> output_throughput(const Json& value, const RunStats& stats) {
  for (const char* key : {"tps", "system_tps"}) {
    if (const auto found = number(value, key)) return found;
  }
  const auto all = number(value, "output_sequence_lengths.total");
  if (!all || stats.wall_seconds.value_or(0) <= 0) return std::nullopt;
  return *all / *stats.wall_seconds;
}

std::vector<Run> read_mlperf(const Document& document) {
  const Json& value = document.value;
  require_concurrency(document, text(value, "run_config.load_pattern.type"));
  Run run{.tool = "MLPerf Endpoints", .where = document.where};
  read_point(document, run);
  read_system(beside(document, "system_desc.json"), run);
  RunStats& stats = run.stats;
  const auto ended = count_of(number(value, "n_samples_completed"));
  stats.requests.failed = count_of(number(value, "n_samples_failed"));
  stats.requests.completed = ended;  // the failed ones end as well
  if (ended) {
    stats.requests.completed = std::max<int64_t>(0, *ended - stats.requests.failed.value_or(0));
  }
  const auto completed = stats.requests.completed;
  if (const auto ns = number(value, "duration_ns")) stats.wall_seconds = *ns / 1e9;
  stats.output_throughput_tps = output_throughput(value, stats);
  stats.request_throughput_rps = number(value, "qps");
  stats.e2e = distribution(figures_in_ns(value, "latency", completed));
  stats.ttft = distribution(figures_in_ns(value, "ttft", completed));
  stats.tpot = distribution(figures_in_ns(value, "tpot", completed));
  run.input_tokens = lengths_of(value, "input_sequence_lengths", ended);
  run.output_tokens = lengths_of(value, "output_sequence_lengths", ended);
  const Json* complete = find(value, "complete");
  run.interrupted = text(value, "state") == "interrupted" ||
                    (complete != nullptr && complete->is_boolean() && !complete->get<bool>());
  if (const auto events = events_of(document.path)) read_events(*events, run);
  if (has(value, {"llmsweep"})) run.sweep = document.path.string();
  run.simulated = is_true(value, "llmsweep.simulated");
  run.marked_invalid = is_true(value, "llmsweep.invalid");
  run.notes.emplace_back(
      "Not an MLPerf result. It counts tokens with its own tokenizer, and failed samples among "
      "those that completed; its early-stopping estimates are left out. Its model, concurrency and "
      "GPUs are those of point.yaml, config.yaml and system_desc.json beside it, where it has "
      "none.");
  return {std::move(run)};
}

}  // namespace

const std::vector<Format>& mlperf_formats() {
  static const std::vector<Format> formats = {
      {"MLPerf Endpoints result_summary.json", is_mlperf, read_mlperf}};
  return formats;
}

}  // namespace llmsweep::foreign

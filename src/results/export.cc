#include "llmsweep/results/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/quantity.h"

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& json, const std::string& key, const std::optional<double>& value) {
  if (value) json[key] = *value;
}

// "mean_ttft_ms", "median_ttft_ms", "p99_ttft_ms": vLLM's names.
void put_distribution(Json& json, const std::string& metric, const Distribution& distribution) {
  if (!distribution.p50) return;
  put(json, "mean_" + metric + "_ms", statistic_of(distribution, Statistic::kMean));
  json["median_" + metric + "_ms"] = *distribution.p50;
  put(json, "p90_" + metric + "_ms", distribution.p90);
  put(json, "p95_" + metric + "_ms", distribution.p95);
  put(json, "p99_" + metric + "_ms", distribution.p99);
  put(json, "p99.9_" + metric + "_ms", distribution.p999);
}

std::string date_of(const SweepResult& result) {
  std::string date;  // "2026-11-22T04:05:06Z" -> "20261122-040506"
  for (const char c : result.created_at) {
    if (c >= '0' && c <= '9') date += c;
    if (c == 'T') date += '-';
  }
  return date;
}

// The marks that a reader must not lose: beside vLLM's keys, where `import` finds them again.
void put_marks(Json& json, const SweepResult& result, const RunStats& level, const RunStats& run) {
  if (result.simulated) json["llmsweep_simulated"] = true;
  if (level.valid && run.valid) return;
  json["llmsweep_valid"] = false;
  Json& reasons = json["llmsweep_invalid_reasons"] = Json::array();
  for (const InvalidReason reason : all_values<InvalidReason>()) {
    const auto has = [reason](const RunStats& stats) {
      const auto& all = stats.invalid_reasons;
      return std::find(all.begin(), all.end(), reason) != all.end();
    };
    if (has(level) || has(run)) reasons.push_back(name_of(reason));
  }
}

template <class Number>
Json or_null(const std::optional<Number>& value) {
  return value ? Json(*value) : Json();
}

Json total_tokens(const RunStats& run, const std::optional<double>& mean) {
  if (!mean || !run.requests.completed) return {};
  return std::llround(*mean * static_cast<double>(*run.requests.completed));
}

// vLLM's name of the client function that sends such requests; of APIs for which it has none, the
// API's own. A result without a spec (another tool's, a published one) is of chat, or does not say.
Json vllm_backend(const SweepResult& result) {
  const Json spec = Json::parse(result.spec_json, nullptr, false);
  const Json::json_pointer at("/endpoint/api");
  if (!spec.is_object() || !spec.contains(at) || !spec[at].is_string()) {
    return result.workload.inputs_per_request ? Json() : Json("openai-chat");
  }
  const auto name = spec[at].get<std::string>();
  const std::optional<Api> api = from_name<Api>(name);
  if (!api) return name;
  switch (*api) {
    case Api::kChat:
      return "openai-chat";
    case Api::kCompletions:
      return "openai";
    case Api::kEmbeddings:
      return "openai-embeddings";
    case Api::kRerank:
      return "vllm-rerank";
    case Api::kResponses:
    case Api::kMessages:
      break;
  }
  return name;
}

// Of what is generated, as vLLM's client has it.
void put_output(Json& json, const RunStats& run) {
  json["total_output_tokens"] = total_tokens(run, run.output_tokens_mean);
  json["request_throughput"] = or_null(run.request_throughput_rps);
  put(json, "request_goodput", run.goodput_rps);
  json["output_throughput"] = or_null(run.output_throughput_tps);
  put_distribution(json, "ttft", run.vllm ? run.vllm->ttft : run.ttft);
  put_distribution(json, "tpot", run.vllm ? run.vllm->tpot : run.tpot);
  put_distribution(json, "itl", run.icl);
}

// Of embeddings and rerank, where that client has no key of output.
void put_inputs(Json& json, int64_t inputs_per_request, const RunStats& run) {
  const std::optional<int64_t> completed = run.requests.completed;
  json["total_input_sequences"] = completed ? Json(*completed * inputs_per_request) : Json();
  json["request_throughput"] = or_null(run.request_throughput_rps);
  put(json, "request_goodput", run.goodput_rps);
  json["input_sequence_throughput"] = or_null(run.inputs_per_s);
  json["total_token_throughput"] = or_null(run.input_throughput_tps);
}

// vLLM's own word for a closed loop is an endless rate.
Json vllm_run(const SweepResult& result, const LevelStats& level, const RunStats& run) {
  const LoadPoint point = level.point;
  const bool closed = point.kind == LoadKind::kConcurrency;
  const Json backend = vllm_backend(result);
  Json json = {{"date", date_of(result)},
               {"endpoint_type", backend},
               {"backend", backend},
               {"label", result.name},
               {"model_id", result.model},
               {"tokenizer_id", result.model},
               {"num_gpus", std::to_string(result.system.gpus)},
               {"request_rate", point.is_closed() ? Json("inf") : Json(point.value)},
               {"burstiness", 1.0},
               {"max_concurrency", closed ? Json(point.concurrency()) : Json()},
               {"num_prompts", or_null(run.requests.all())},
               {"duration", or_null(run.wall_seconds)},
               {"completed", or_null(run.requests.completed)},
               {"failed", or_null(run.requests.failed)},
               {"total_input_tokens", total_tokens(run, run.input_tokens_mean)}};
  if (const auto inputs = result.workload.inputs_per_request) {
    put_inputs(json, *inputs, run);
  } else {
    put_output(json, run);
  }
  put_distribution(json, "e2el", run.vllm ? run.vllm->e2e : run.e2e);
  put_marks(json, result, level.pooled, run);
  return json;
}

// ---- llm-d Benchmark Report 0.2. JSON strings are YAML strings.

std::string quoted(const std::string& text) {
  return escape_marks(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Its schema has no statistic without a mean.
std::string statistics(const char* name, const char* units, const Distribution& distribution) {
  if (!distribution.mean) return {};
  std::string text = fmt::format("        {}:\n          units: {}\n", name, units);
  const auto add = [&text](const char* key, const std::optional<double>& value) {
    if (value) text += fmt::format("          {}: {}\n", key, *value);
  };
  add("mean", distribution.mean);
  add("min", distribution.min);
  add("p50", distribution.p50);
  add("p90", distribution.p90);
  add("p95", distribution.p95);
  add("p99", distribution.p99);
  add("p99p9", distribution.p999);
  add("max", distribution.max);
  return text;
}

std::string mean_only(const char* name, const char* units, const std::optional<double>& mean) {
  if (!mean) return {};
  return fmt::format("        {}:\n          units: {}\n          mean: {}\n", name, units, *mean);
}

// Its schema wants an identity of each configuration, which is a hash in its own tools.
std::string fingerprint(const std::string& text) {
  return sha256_hex(text).substr(0, 32);
}

std::string length_text(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return fmt::format("{{distribution: fixed, value: {}}}", count.fixed);
    case TokenCount::Kind::kUniform:
      return fmt::format("{{distribution: uniform, value: {}, min: {}, max: {}}}",
                         mean_tokens(count), count.min, count.max);
    case TokenCount::Kind::kNormal:
      if (!count.stddev) break;
      return fmt::format("{{distribution: gaussian, value: {}, std_dev: {}}}", count.mean,
                         *count.stddev);
    case TokenCount::Kind::kWeighted:
      break;
  }
  return fmt::format("{{distribution: other, value: {}}}", mean_tokens(count));
}

std::string llm_d_stack(const SweepResult& result) {
  const SystemSpec& system = result.system;
  const std::string label = system.checkpoint.empty() ? result.name : system.checkpoint;
  return fmt::format(
      "  stack:\n"
      "    - metadata:\n"
      "        label: {}\n"
      "        cfg_id: {}\n"
      "      standardized:\n"
      "        kind: inference_engine\n"
      "        tool: {}\n"
      "        tool_version: {}\n"
      "        role: replica\n"
      "        replicas: 1\n"
      "        model:\n"
      "          name: {}\n"
      "        accelerator:\n"
      "          model: {}\n"
      "          count: {}\n"
      "          parallelism:\n"
      "            tp: {}\n"
      "      native: {{}}\n",
      quoted(label),
      quoted(fingerprint(label + "\n" + system.engine + "\n" + system.engine_version)),
      quoted(system.engine), quoted(system.engine_version), quoted(result.model),
      quoted(system.accelerator), system.gpus, system.tensor_parallel.value_or(1));
}

std::string llm_d_load(const SweepResult& result, LoadPoint point) {
  const WorkloadSummary& workload = result.workload;
  const std::string load = point.kind == LoadKind::kConcurrency
                               ? fmt::format("      concurrency: {}\n", point.concurrency())
                           : point.kind == LoadKind::kRate
                               ? fmt::format("      rate_qps: {}\n", point.value)
                               : "";
  return fmt::format(
      "  load:\n"
      "    metadata:\n"
      "      cfg_id: {}\n"
      "    standardized:\n"
      "      tool: llmsweep\n"
      "      tool_version: {}\n"
      "      source: {}\n"
      "      input_seq_len: {}\n"
      "      output_seq_len: {}\n"
      "{}"
      "    native:\n"
      "      config:\n"
      "        dataset: {}\n",
      quoted(fingerprint(workload.dataset + "\n" + name_of(point))), quoted(result.tool),
      workload.dataset == "random" ? "random"
      : workload.dataset.empty()   ? "unknown"
                                   : "sampled",
      length_text(workload.input_tokens.value_or(TokenCount{})),
      length_text(workload.output_tokens), load, quoted(workload.dataset));
}

std::string description_of(const SweepResult& result, const RunStats& stats) {
  std::string text = result.simulated ? "SIMULATED, not a measurement" : "measured sweep level";
  if (stats.valid) return text;
  std::vector<std::string> reasons;
  for (const InvalidReason reason : stats.invalid_reasons) {
    reasons.emplace_back(name_of(reason));
  }
  return text + "; INVALID" + (reasons.empty() ? "" : ": " + join(reasons, ", "));
}

std::string part(const char* name, const std::string& statistics_of_it) {
  if (statistics_of_it.empty()) return {};
  return fmt::format("      {}:\n", name) + statistics_of_it;
}

std::string llm_d_level(const SweepResult& result, const LevelStats& level) {
  const RunStats& stats = level.pooled;
  std::string text = fmt::format(
      "version: '0.2'\n"
      "run:\n"
      "  uid: {}\n"
      "  description: {}\n"
      "  time:\n"
      "    start: {}\n",
      quoted(fmt::format("{}-{}", result.name, name_of(level.point))),
      quoted(description_of(result, stats)),
      result.created_at.empty() ? "null" : quoted(result.created_at));
  if (stats.wall_seconds) text += fmt::format("    duration: PT{}S\n", *stats.wall_seconds);
  text += "scenario:\n" + llm_d_stack(result) + llm_d_load(result, level.point);
  text +=
      "results:\n"
      "  request_performance:\n"
      "    aggregate:\n";
  if (const auto all = stats.requests.all()) {  // which its schema requires of this part
    text += fmt::format("      requests:\n        total: {}\n", *all);
    if (stats.requests.failed)
      text += fmt::format("        failures: {}\n", *stats.requests.failed);
    text += mean_only("input_length", "count", stats.input_tokens_mean);
    text += mean_only("output_length", "count", stats.output_tokens_mean);
  }
  text += part("latency", statistics("time_to_first_token", "ms", stats.ttft) +
                              statistics("time_per_output_token", "ms/token", stats.tpot) +
                              statistics("inter_token_latency", "ms/token", stats.itl) +
                              statistics("request_latency", "ms", stats.e2e));
  text +=
      part("throughput", mean_only("output_token_rate", "tokens/s", stats.output_throughput_tps) +
                             mean_only("request_rate", "queries/s", stats.request_throughput_rps));
  return text;
}

// ---- MLPerf Endpoints' result_summary.json, a line a level.

Json in_ns(const Distribution& distribution) {
  Json json = Json::object();
  const auto put_ns = [](Json& to, const char* key, const std::optional<double>& ms) {
    if (ms) to[key] = std::llround(*ms * 1e6);
  };
  put_ns(json, "min", distribution.min);
  put_ns(json, "max", distribution.max);
  put_ns(json, "median", distribution.p50);
  put_ns(json, "avg", distribution.mean);
  Json percentiles = Json::object();
  put_ns(percentiles, "50.0", distribution.p50);
  put_ns(percentiles, "90.0", distribution.p90);
  put_ns(percentiles, "95.0", distribution.p95);
  put_ns(percentiles, "99.0", distribution.p99);
  put_ns(percentiles, "99.9", distribution.p999);
  if (!percentiles.empty()) json["percentiles"] = std::move(percentiles);
  return json;
}

Json lengths(const std::optional<double>& mean) {
  return mean ? Json{{"avg", *mean}} : Json::object();
}

Json mlperf_level(const SweepResult& result, const LevelStats& level) {
  const RunStats& run = level.pooled;
  const bool closed = level.point.kind == LoadKind::kConcurrency;
  Json json = {
      {"llmsweep",
       {{"note", "not an MLPerf result"},
        {"simulated", result.simulated},
        {"invalid", !run.valid},
        {"level", name_of(level.point)}}},
      {"version", result.tool},
      {"git_sha", nullptr},
      {"test_started_at", 0},
      {"n_samples_issued", or_null(run.requests.all())},
      {"n_samples_completed", or_null(run.requests.all())},  // there failed ones end as well
      {"n_samples_failed", or_null(run.requests.failed)},
      {"duration_ns", run.wall_seconds ? Json(std::llround(*run.wall_seconds * 1e9)) : Json()},
      {"state", result.interrupted ? "interrupted" : "complete"},
      {"complete", !result.interrupted},
      {"ttft", in_ns(run.ttft)},
      {"tpot", in_ns(run.tpot)},
      {"latency", in_ns(run.e2e)},
      {"output_sequence_lengths", lengths(run.output_tokens_mean)},
      {"input_sequence_lengths", lengths(run.input_tokens_mean)},
      {"legacy_loadgen_window_duration_ns", nullptr},
      {"qps", or_null(run.request_throughput_rps)},
      {"tps", or_null(run.output_throughput_tps)},
      {"finish_reason_counts", Json::object()}};
  json["run_config"]["load_pattern"] = {
      {"type", closed ? "concurrency" : "poisson"},
      {"target_qps", closed ? Json() : Json(level.point.value)},
      {"target_concurrency", closed ? Json(level.point.concurrency()) : Json()}};
  return json;
}

}  // namespace

std::string export_mlperf_endpoints(const SweepResult& result) {
  std::string lines;
  for (const LevelStats& level : result.levels) {
    lines +=
        mlperf_level(result, level).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return lines;
}

std::string export_vllm_json(const SweepResult& result) {
  std::string lines;
  for (const LevelStats& level : result.levels) {
    const bool only_pooled = level.runs.empty();
    for (const RunStats& run : only_pooled ? std::vector<RunStats>{level.pooled} : level.runs) {
      lines +=
          vllm_run(result, level, run).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
  }
  return lines;
}

std::string export_llm_d_report(const SweepResult& result) {
  std::string text;
  for (const LevelStats& level : result.levels) {
    text += "---\n" + llm_d_level(result, level);
  }
  return text;
}

}  // namespace llmsweep

#include "llmsweep/results/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
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

// vLLM's own word for a closed loop is an endless rate.
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

Json vllm_run(const SweepResult& result, const LevelStats& level, const RunStats& run) {
  const LoadPoint point = level.point;
  const bool closed = point.kind == LoadKind::kConcurrency;
  Json json = {{"date", date_of(result)},
               {"endpoint_type", "openai-chat"},
               {"backend", "openai-chat"},
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
               {"total_input_tokens", total_tokens(run, run.input_tokens_mean)},
               {"total_output_tokens", total_tokens(run, run.output_tokens_mean)},
               {"request_throughput", or_null(run.request_throughput_rps)}};
  put(json, "request_goodput", run.goodput_rps);
  json["output_throughput"] = or_null(run.output_throughput_tps);
  put_distribution(json, "ttft", run.vllm ? run.vllm->ttft : run.ttft);
  put_distribution(json, "tpot", run.vllm ? run.vllm->tpot : run.tpot);
  put_distribution(json, "itl", run.icl);
  put_distribution(json, "e2el", run.vllm ? run.vllm->e2e : run.e2e);
  put_marks(json, result, level.pooled, run);
  return json;
}

// ---- llm-d Benchmark Report 0.2. JSON strings are YAML strings.

std::string quoted(const std::string& text) {
  return escape_marks(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string statistics(const char* name, const Distribution& distribution) {
  if (!distribution.p50) return {};
  std::string text = fmt::format("        {}:\n          units: ms\n", name);
  const auto add = [&text](const char* key, const std::optional<double>& value) {
    if (value) text += fmt::format("          {}: {}\n", key, *value);
  };
  add("mean", statistic_of(distribution, Statistic::kMean));
  add("p50", distribution.p50);
  add("p90", distribution.p90);
  add("p95", distribution.p95);
  add("p99", distribution.p99);
  add("p99p9", distribution.p999);
  return text;
}

std::string mean_only(const char* name, const char* units, const std::optional<double>& mean) {
  if (!mean) return {};
  return fmt::format("        {}:\n          units: {}\n          mean: {}\n", name, units, *mean);
}

std::string llm_d_scenario(const SweepResult& result, LoadPoint point) {
  const bool closed = point.kind == LoadKind::kConcurrency;
  const std::string load =
      closed ? fmt::format("      concurrency: {}\n", point.concurrency()) : "";
  return fmt::format(
      "scenario:\n"
      "  stack:\n"
      "    - metadata:\n"
      "        label: {}\n"
      "      standardized:\n"
      "        kind: inference_engine\n"
      "        tool: {}\n"
      "        tool_version: {}\n"
      "        model:\n"
      "          name: {}\n"
      "        accelerator:\n"
      "          model: {}\n"
      "          count: {}\n"
      "  load:\n"
      "    standardized:\n"
      "      tool: llmsweep\n"
      "      tool_version: {}\n"
      "      source: {}\n"
      "{}",
      quoted(result.system.checkpoint.empty() ? result.name : result.system.checkpoint),
      quoted(result.system.engine), quoted(result.system.engine_version), quoted(result.model),
      quoted(result.system.accelerator), result.system.gpus, quoted(result.tool),
      quoted(result.workload.dataset), load);
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
      quoted(description_of(result, stats)), quoted(result.created_at));
  text += llm_d_scenario(result, level.point);
  text +=
      "results:\n"
      "  request_performance:\n"
      "    aggregate:\n"
      "      requests:\n";
  if (const auto all = stats.requests.all()) text += fmt::format("        total: {}\n", *all);
  if (stats.requests.failed) text += fmt::format("        failures: {}\n", *stats.requests.failed);
  text += mean_only("input_length", "count", stats.input_tokens_mean);
  text += mean_only("output_length", "count", stats.output_tokens_mean);
  text += "      latency:\n";
  text += statistics("time_to_first_token", stats.ttft);
  text += statistics("time_per_output_token", stats.tpot);
  text += statistics("inter_token_latency", stats.itl);
  text += statistics("request_latency", stats.e2e);
  text += "      throughput:\n";
  text += mean_only("output_token_rate", "tokens/s", stats.output_throughput_tps);
  text += mean_only("request_rate", "queries/s", stats.request_throughput_rps);
  return text;
}

}  // namespace

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

// The keys of result.json: one list for writing and reading. Private to results/.
#pragma once

#include <cmath>

#include "llmsweep/model/result.h"
#include "llmsweep/model/spec_keys.h"
#include "results/json_archive.h"

namespace llmsweep {

template <>
struct JsonShape<Interval> {  // [low, high]
  static constexpr bool kSpecial = true;
  static Json encode(const Interval& value) {
    if (!std::isfinite(value.low) || !std::isfinite(value.high)) return {};
    return Json::array({value.low, value.high});
  }
  static void decode(const FilePlace& place, Interval& value) {
    place.expect_array();
    if (place.value.size() != 2) place.fail("must be [low, high]");
    decode_number(place.item(0), value.low);
    decode_number(place.item(1), value.high);
  }
};

template <>
struct JsonShape<LoadPoint> {  // its concurrency; null: of another kind, which no file states yet
  static constexpr bool kSpecial = true;
  static Json encode(const LoadPoint& value) {
    return value.kind == LoadKind::kConcurrency ? Json(value.concurrency()) : Json();
  }
  static void decode(const FilePlace& place, LoadPoint& value) {
    int concurrency = 0;
    decode_number(place, concurrency);
    value = at_concurrency(concurrency);
  }
};

template <>
struct JsonShape<TokenCount> {  // 2400, {min, max}, {mean, stddev}, [{tokens, weight}, …]
  static constexpr bool kSpecial = true;
  static Json encode(const TokenCount& value);
  static void decode(const FilePlace& place, TokenCount& value);
};

template <>
struct JsonShape<std::map<Outcome, int64_t>> {
  static constexpr bool kSpecial = true;
  static Json encode(const std::map<Outcome, int64_t>& value);
  static void decode(const FilePlace& place, std::map<Outcome, int64_t>& value);
};

template <>
struct JsonShape<std::pair<std::string, std::string>> {  // [name, value]
  static constexpr bool kSpecial = true;
  static Json encode(const std::pair<std::string, std::string>& value) {
    return Json::array({value.first, value.second});
  }
  static void decode(const FilePlace& place, std::pair<std::string, std::string>& value);
};

template <>
struct JsonShape<std::vector<std::pair<std::string, double>>> {  // {name: number}
  static constexpr bool kSpecial = true;
  static Json encode(const std::vector<std::pair<std::string, double>>& value);
  static void decode(const FilePlace& place, std::vector<std::pair<std::string, double>>& value);
};

// The spec's keys.
template <class Archive>
void fields(Archive& archive, SystemSpec& value) {
  auto named = [&archive](const Key& key, auto& member, const auto&...) {
    archive(key.name, member);
  };
  keys(named, value);
}

template <class Archive>
void fields(Archive& archive, WorkloadSummary& value) {
  archive("dataset", value.dataset);
  archive("input_tokens", value.input_tokens);
  archive("input_scope", value.input_scope);
  archive("output_tokens", value.output_tokens);
  archive("seed", value.seed);
  archive("streaming", value.streaming);
  archive("prompt_set_sha256", value.prompt_set_sha256);
  archive("nonce", value.nonce);
  archive("tokenizer_path", value.tokenizer_path);
  archive("tokenizer_sha256", value.tokenizer_sha256);
  archive("tokenizer_vocabulary", value.tokenizer_vocabulary);
  archive("template_overhead_tokens", value.template_overhead_tokens);
  archive("dataset_records_skipped", value.dataset_records_skipped);
}

template <class Archive>
void fields(Archive& archive, Provenance& value) {
  archive("host", value.host);
  archive("cores", value.cores);
  archive("kernel", value.kernel);
  archive("libcurl", value.libcurl);
  archive("transport", value.transport);
  archive("resolved_address", value.resolved_address);
  archive("resolved_addresses", value.resolved_addresses);
  archive("server_headers", value.server_headers);
  archive("models_json", value.models_json);
  archive("dropped_fields", value.dropped_fields);
  archive("notes", value.notes);
}

// An empty distribution has no mean; a published bound stands only where there is one.
template <class Archive>
void fields(Archive& archive, Distribution& value) {
  archive("count", value.count);
  archive("mean", value.mean);
  archive("p50", value.p50);
  archive("p90", value.p90);
  archive("p95", value.p95);
  archive("p99", value.p99);
  archive("p999", value.p999);
  archive("min", value.min);
  archive("max", value.max);
  archive("p50_ci95", value.p50_ci95);
  archive("p50_at_most", value.p50_at_most);
  if constexpr (!Archive::kReads) {
    if (value.count == 0) {
      for (const char* key : {"mean", "min", "max"}) archive.object()[key] = nullptr;
    }
    if (!value.p50_at_most) archive.drop("p50_at_most");
  }
}

template <class Archive>
void fields(Archive& archive, VllmDefinitions& value) {
  archive("e2e_ms", value.e2e);
  archive("ttft_ms", value.ttft);
  archive("tpot_ms", value.tpot);
}

template <class Archive>
void fields(Archive& archive, ErrorCount& value) {
  archive("text", value.text);
  archive("count", value.count);
}

template <class Archive>
void fields(Archive& archive, RequestCounts& value) {
  archive("completed", value.completed);
  archive("failed", value.failed);
  archive("by_outcome", value.by_outcome);
  archive("errors", value.errors);
}

template <class Archive>
void fields(Archive& archive, ClientHealth& value) {
  archive("threads", value.threads);
  archive("busy_fraction", value.busy_fraction);
  archive("cpu_seconds", value.cpu_seconds);
  archive("iterations", value.iterations);
  archive("iteration_p50_ms", value.iteration_p50_ms);
  archive("iteration_p99_ms", value.iteration_p99_ms);
  archive("iteration_max_ms", value.iteration_max_ms);
  archive("chunks", value.chunks);
  archive("chunks_per_iteration", value.chunks_per_iteration);
  archive("coalesced_fraction", value.coalesced_fraction);
  archive("tokens_per_chunk", value.tokens_per_chunk);
  archive("send_lateness_p50_ms", value.send_lateness_p50_ms);
  archive("send_lateness_p99_ms", value.send_lateness_p99_ms);
  archive("slot_gap_p50_ms", value.slot_gap_p50_ms);
  archive("slot_gap_p99_ms", value.slot_gap_p99_ms);
  archive("reconnects", value.reconnects);
  archive("stalls", value.stalls);
  archive("stall_max_ms", value.stall_max_ms);
  archive("stalled_requests", value.stalled_requests);
  archive("receive_stamps", value.receive_stamps);
  archive("receive_samples", value.receive_samples);
  archive("receive_delay_p50_ms", value.receive_delay_p50_ms);
  archive("receive_delay_p99_ms", value.receive_delay_p99_ms);
  archive("receive_delay_max_ms", value.receive_delay_max_ms);
  archive("receive_sampling_seconds", value.receive_sampling_seconds);
}

// What a level and each of its runs have in common.
template <class Archive>
void statistics(Archive& archive, RunStats& value) {
  archive("valid", value.valid);
  archive("invalid_reasons", value.invalid_reasons);
  archive("warnings", value.warnings);
  archive("requests", value.requests);
  archive("e2e_ms", value.e2e);
  archive("ttft_ms", value.ttft);
  archive("ttfo_ms", value.ttfo);
  archive("tpot_ms", value.tpot);
  archive("itl_ms", value.itl);
  archive("icl_ms", value.icl);
  archive("vllm_definitions", value.vllm);
  archive("output_throughput_tps", value.output_throughput_tps);
  archive("steady_output_throughput_tps", value.steady_output_throughput_tps);
  archive("drain_bias", value.drain_bias);
  archive("throughput_per_gpu_tps", value.throughput_per_gpu_tps);
  archive("request_throughput_rps", value.request_throughput_rps);
  archive("achieved_concurrency", value.achieved_concurrency);
  archive("littles_law_error", value.littles_law_error);
  archive("output_speed_tps", value.output_speed_tps);
  archive("decode_speed_tps", value.decode_speed_tps);
  archive("throughput_per_latency", value.throughput_per_latency);
  archive("goodput_fraction", value.goodput_fraction);
  archive("goodput_rps", value.goodput_rps);
  archive("input_tokens_mean", value.input_tokens_mean);
  archive("output_tokens_mean", value.output_tokens_mean);
  archive("cached_tokens_mean", value.cached_tokens_mean);
  archive("input_tokens_off", value.input_tokens_off);
  archive("output_tokens_off", value.output_tokens_off);
  archive("token_count_estimated", value.token_count_estimated);
  archive("wall_seconds", value.wall_seconds);
  archive("client", value.client);
}

template <class Archive>
void fields(Archive& archive, RunStats& value) {
  archive("repeat", value.repeat);
  statistics(archive, value);
}

template <class Archive>
void fields(Archive& archive, LevelStats& value) {
  archive("concurrency", value.point);
  statistics(archive, value.pooled);
  archive("e2e_p50_between_runs_ci95", value.e2e_p50_between_runs_ci95);
  archive("throughput_between_runs_ci95", value.throughput_between_runs_ci95);
  archive("runs", value.runs);
}

template <class Archive>
void fields(Archive& archive, UsersAtTarget& value) {
  double target_ms = to_ms(value.target.max);
  archive("metric", value.target.metric);
  archive("statistic", value.target.statistic);
  archive("target_ms", target_ms);
  archive("kind", value.kind);
  archive("users", value.users);
  archive("c_pass", value.c_pass);
  archive("c_fail", value.c_fail);
  archive("c_interpolated", value.c_interpolated);
  archive("c_interpolated_ci95", value.c_interpolated_ci95);
  archive("users_per_gpu", value.users_per_gpu);
  if constexpr (Archive::kReads) {
    if (!(target_ms > 0 && target_ms < 1e12)) archive.place().fail("target_ms must be above 0");
    value.target.max = from_ms(target_ms);
  }
}

// `schema_version` and `spec`, which is JSON itself, stand in result_file.cc.
template <class Archive>
void fields(Archive& archive, SweepResult& value) {
  archive("tool", value.tool);
  archive("name", value.name);
  archive("created_at", value.created_at);
  archive("source", value.source);
  archive("simulated", value.simulated);
  archive("interrupted", value.interrupted);
  archive("planned_runs", value.planned_runs);
  archive("preliminary", value.preliminary);
  archive("model", value.model);
  archive("system", value.system);
  archive("workload", value.workload);
  archive("provenance", value.provenance);
  archive("levels", value.levels);
  archive("users_at_target", value.users_at_target);
  archive("quality", value.quality);
}

}  // namespace llmsweep

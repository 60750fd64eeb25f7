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
struct JsonShape<LoadPoint> {  // its concurrency; null: of another kind
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

// A load point under the key of its concurrency; one of another kind by its name, in a key beside
// it.
template <class Archive>
void load_point(Archive& archive, const FileKey& concurrency, LoadPoint& point) {
  const FileKey beside(
      "load_point",
      "Of a level whose load is no concurrency: `r2.5` for 2.5 requests/s, `u16` for 16 users.");
  std::string name = point.kind == LoadKind::kConcurrency ? "" : name_of(point);
  archive(concurrency, point);
  archive(beside, name);
  if constexpr (!Archive::kReads) {
    if (name.empty()) archive.drop(beside.name);
  } else if (!name.empty()) {
    const std::optional<LoadPoint> named = parse_load_point(name);
    if (!named) archive.place().fail("load_point: unknown value '" + printable(name, 60) + "'");
    point = *named;
  }
}

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
struct JsonShape<Validity> {  // {"ttft:p50": ["client_delay"]}
  static constexpr bool kSpecial = true;
  static Json encode(const Validity& value);
  static void decode(const FilePlace& place, Validity& value);
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

// The spec's keys; null: not stated.
template <class Archive>
void fields(Archive& archive, SystemSpec& value) {
  auto named = [&archive](const Key& key, auto& member, const auto&... kind) {
    archive({key.name, key.sentence}, member);
    constexpr bool kMayLack = (std::is_same_v<decltype(kind), const kind::WholeOrAbsent&> || ...);
    if constexpr (!Archive::kReads) {
      if constexpr (kMayLack) {
        if (member == 0) archive.object()[key.name] = nullptr;
      }
    }
  };
  keys(named, value);
}

template <class Archive>
void fields(Archive& archive, WorkloadSummary& value) {
  archive({"dataset", "Where the prompts came from."}, value.dataset);
  archive({"input_tokens", "Tokens of a prompt; null: the prompts' own."}, value.input_tokens);
  archive({"input_tokens_counted",
           "Mean input by the server's count, where prompts were cut to an estimate and it is off "
           "by over 1 % from input_tokens: what the workload really was; null otherwise."},
          value.input_tokens_counted);
  archive({"output_tokens_counted",
           "Mean output, where the spec says output_lengths: about and it is off by over 1 % from "
           "output_tokens; null otherwise."},
          value.output_tokens_counted);
  archive({"input_scope", "What input_tokens counts."}, value.input_scope);
  archive({"output_tokens", "Tokens of an answer."}, value.output_tokens);
  archive({"seed", "Of the prompts' order."}, value.seed);
  archive({"streaming", "Whether answers were streamed."}, value.streaming);
  archive({"prompt_set_sha256", "Fingerprint of the prompts without their nonce; empty: unknown."},
          value.prompt_set_sha256);
  archive(
      {"nonce",
       "What the words come from that each prompt begins with; drawn where the spec says auto."},
      value.nonce);
  archive({"tokenizer_path", "The tokenizer; empty: none."}, value.tokenizer_path);
  archive({"tokenizer_sha256", "Its fingerprint."}, value.tokenizer_sha256);
  archive({"tokenizer_vocabulary", "Its size; 0: unknown."}, value.tokenizer_vocabulary);
  archive({"template_overhead_tokens", "Tokens that the chat template adds, calibrated."},
          value.template_overhead_tokens);
  archive({"dataset_records_skipped", "Records of the dataset that were no conversations."},
          value.dataset_records_skipped);
}

template <class Archive>
void fields(Archive& archive, Provenance& value) {
  archive({"host", "The measuring machine."}, value.host);
  archive({"cores", "Its CPU cores."}, value.cores);
  archive({"kernel", "Its kernel."}, value.kernel);
  archive({"boot_id", "Of its start; empty: not recorded."}, value.boot_id);
  archive({"libcurl", "Version."}, value.libcurl);
  archive({"transport", "What carried the load: `sockets` or `libcurl`; empty: not recorded."},
          value.transport);
  archive({"ca_file",
           "File of the certificate authorities that HTTPS trusted: endpoint.ca_file, or what was "
           "found; empty: no HTTPS, or not recorded. Left out of what is shared."},
          value.ca_file);
  archive({"resolved_address", "The address that the endpoint's name stood for."},
          value.resolved_address);
  archive({"resolved_addresses",
           "The same for each of endpoint.urls, in their order; empty: there was one URL."},
          value.resolved_addresses);
  archive({"server_started",
           "When the server's process began, by its `/metrics` (UTC); empty: it does not say."},
          value.server_started);
  archive({"server_headers", "[name, value] each; credentials redacted."}, value.server_headers);
  archive({"models_json", "The answer of /v1/models, cut at 64 KiB."}, value.models_json);
  archive({"dropped_fields", "Request fields that the server refused."}, value.dropped_fields);
  archive({"notes", "What else a reader must know."}, value.notes);
}

// A published bound stands only where there is one.
template <class Archive>
void fields(Archive& archive, Distribution& value) {
  archive({"count", "Samples; null: another tool's file does not say."}, value.count);
  archive({"mean", "Arithmetic mean; null: no samples, or likewise."}, value.mean);
  archive({"p50", "Median."}, value.p50);
  archive({"p90", "90th percentile."}, value.p90);
  archive({"p95", "95th percentile."}, value.p95);
  archive({"p99", "99th percentile; needs 300 samples."}, value.p99);
  archive({"p999", "99.9th percentile; needs 3,000 samples."}, value.p999);
  archive({"min", "Smallest."}, value.min);
  archive({"max", "Largest."}, value.max);
  archive({"p50_ci95", "Within-run 95 % interval of the median."}, value.p50_ci95);
  archive({"p50_at_most", "Published data only: the median is not known, but not above this."},
          value.p50_at_most);
  if constexpr (!Archive::kReads) {
    if (!value.p50_at_most) archive.drop("p50_at_most");
  }
}

template <class Archive>
void fields(Archive& archive, VllmDefinitions& value) {
  archive({"e2e_ms", "Sent to the last chunk with a choice."}, value.e2e);
  archive({"ttft_ms", "Sent to the first chunk with a choice."}, value.ttft);
  archive({"tpot_ms", "Between the two, per output token after the first."}, value.tpot);
}

template <class Archive>
void fields(Archive& archive, ErrorCount& value) {
  archive({"text", "The sentence, without secrets."}, value.text);
  archive({"count", "Requests that failed with it."}, value.count);
}

template <class Archive>
void fields(Archive& archive, RequestCounts& value) {
  archive({"completed", "That ended well; null: another tool's file does not say."},
          value.completed);
  archive({"failed", "That did not; null likewise."}, value.failed);
  archive({"by_outcome", "How many ended how."}, value.by_outcome);
  archive({"errors", "What the endpoint said of failed requests, the most frequent first."},
          value.errors);
}

template <class Archive>
void fields(Archive& archive, ClientHealth& value) {
  archive({"threads", "Event loops."}, value.threads);
  archive({"busy_fraction", "Share of the time outside the wait for events; the worst thread."},
          value.busy_fraction);
  archive({"cpu_seconds", "Of the event loops, s."}, value.cpu_seconds);
  archive({"iterations", "Of the event loops."}, value.iterations);
  archive({"iteration_p50_ms", "Work between two waits for events, ms."}, value.iteration_p50_ms);
  archive({"iteration_p99_ms", "The same, p99."}, value.iteration_p99_ms);
  archive({"iteration_max_ms", "The same, largest."}, value.iteration_max_ms);
  archive({"chunks", "Token-bearing chunks received, all phases."}, value.chunks);
  archive({"chunks_per_iteration", "Mean."}, value.chunks_per_iteration);
  archive({"coalesced_fraction", "Share of chunks that came in one read with the one before."},
          value.coalesced_fraction);
  archive({"tokens_per_chunk", "Mean."}, value.tokens_per_chunk);
  archive({"send_lateness_p50_ms", "Scheduled to sent, ms."}, value.send_lateness_p50_ms);
  archive({"send_lateness_p99_ms", "The same, p99."}, value.send_lateness_p99_ms);
  archive({"slot_gap_p50_ms", "End of a slot's request to the next one sent, ms."},
          value.slot_gap_p50_ms);
  archive({"slot_gap_p99_ms", "The same, p99."}, value.slot_gap_p99_ms);
  archive({"slot_gap_mean_ms", "The same, mean; null: older files."}, value.slot_gap_mean_ms);
  archive({"reconnects", "Connections opened in the measured part."}, value.reconnects);
  archive({"stalls",
           "Stalls of the host: over 5 ms between two ticks of the watchdog, which are due every 3 "
           "ms."},
          value.stalls);
  archive({"stall_max_ms", "The longest, counted from when the tick was due, ms."},
          value.stall_max_ms);
  archive({"stalled_requests", "Measured requests that one overlapped."}, value.stalled_requests);
  archive({"receive_stamps", "Whether the kernel's receive stamps could be had."},
          value.receive_stamps);
  archive({"receive_samples", "Reads that were compared with them."}, value.receive_samples);
  archive({"receive_delay_p50_ms", "Kernel arrival to our stamp, ms."}, value.receive_delay_p50_ms);
  archive({"receive_delay_mean_ms", "The same, mean; null: older files, or no samples."},
          value.receive_delay_mean_ms);
  archive({"receive_delay_p90_ms", "The same, p90; null likewise."}, value.receive_delay_p90_ms);
  archive({"receive_delay_p95_ms", "The same, p95; null likewise."}, value.receive_delay_p95_ms);
  archive({"receive_delay_p99_ms", "The same, p99."}, value.receive_delay_p99_ms);
  archive({"receive_delay_max_ms", "The same, largest."}, value.receive_delay_max_ms);
  archive({"receive_sampling_seconds",
           "What looks at the stamps cost that were calls of their own (libcurl), s of the event "
           "loops."},
          value.receive_sampling_seconds);
  archive({"gaps", "Gaps between chunks of completed measured requests."}, value.gaps);
  archive({"gaps_left_out",
           "Of those, the ones that are in neither ITL nor ICL: at one end the client's host was "
           "stalled."},
          value.gaps_left_out);
}

// What a level and each of its runs have in common.
template <class Archive>
void statistics(Archive& archive, RunStats& value) {
  archive("valid", value.valid);
  archive("invalid_reasons", value.invalid_reasons);
  archive("warnings", value.warnings);
  archive("validity", value.validity);
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
  archive("in_step", value.in_step);
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
  archive("started_s", value.started_s);
  archive("confirming", value.confirming);
  statistics(archive, value);
}

template <class Archive>
void fields(Archive& archive, LevelStats& value) {
  load_point(archive, "concurrency", value.point);
  statistics(archive, value.pooled);
  archive("e2e_p50_between_runs_ci95", value.e2e_p50_between_runs_ci95);
  archive("throughput_between_runs_ci95", value.throughput_between_runs_ci95);
  archive("runs", value.runs);
}

template <class Archive>
void fields(Archive& archive, UsersAtTarget& value) {
  double target_ms = to_ms(value.target.max);
  archive({"metric", "What is limited."}, value.target.metric);
  archive({"statistic", "Of a level."}, value.target.statistic);
  archive({"target_ms", "The limit, ms."}, target_ms);
  archive({"kind",
           "Whether a level passes and one fails, all fail, all pass (read users as ≥), or none "
           "could be judged."},
          value.kind);
  archive({"users", "The highest passing concurrency."}, value.users);
  archive({"c_pass", "The highest level that passes."}, value.c_pass);
  archive({"c_fail", "The lowest above it that fails."}, value.c_fail);
  archive({"c_interpolated", "Between the two, by interpolation."}, value.c_interpolated);
  archive({"c_interpolated_ci95", "Its interval between runs."}, value.c_interpolated_ci95);
  archive({"users_per_gpu", "users ÷ system.gpus; null: the GPUs are not stated."},
          value.users_per_gpu);
  archive({"confirmed", "Whether fresh runs of both ends say the same (`load.refine`)."},
          value.confirmed);
  archive({"confirmed_error",
           "How often such a bracket misses the truth at most; null: not confirmed."},
          value.confirmed_error);
  if constexpr (Archive::kReads) {
    if (!(target_ms > 0 && target_ms < 1e12)) archive.place().fail("target_ms must be above 0");
    value.target.max = from_ms(target_ms);
  }
}

template <class Archive>
void fields(Archive& archive, GateLooks& value) {
  archive({"first", "Runs of a level at the first look."}, value.first);
  archive({"last", "At the last that was planned."}, value.last);
  archive({"levels", "Level of the one-sided bounds at each look, first to last."}, value.levels);
  archive({"endless", "Whether it went on beyond the last: then by an e-process."}, value.endless);
}

// `schema_version` and `spec`, which is JSON itself, stand in result_file.cc.
template <class Archive>
void fields(Archive& archive, SweepResult& value) {
  archive({"tool", "What wrote the file."}, value.tool);
  archive({"name", "Name of the sweep."}, value.name);
  archive({"created_at", "UTC."}, value.created_at);
  archive({"source", "Measured by llmsweep, imported from another tool, or published by someone."},
          value.source);
  archive({"simulated", "Whether the endpoint was the simulator."}, value.simulated);
  archive({"interrupted", "Whether the sweep is not whole: cut short, or still running."},
          value.interrupted);
  archive({"stopped_for",
           "`load.budget.tokens` or `load.budget.time` where that ended the sweep before its last "
           "run; empty otherwise."},
          value.stopped_for);
  archive({"planned_runs", "Runs of levels that the spec asks for; 0: not known."},
          value.planned_runs);
  archive({"preliminary", "Whether the source calls the figures preliminary."}, value.preliminary);
  archive({"model", "As the server names it."}, value.model);
  archive({"system", "The system under test, as stated by the user."}, value.system);
  archive({"workload", "What was asked."}, value.workload);
  archive({"provenance", "Where the figures come from."}, value.provenance);
  archive({"looks",
           "When `run --gate` could decide while runs were added, and at what level; null: no gate "
           "decided then."},
          value.looks);
  archive({"levels", "In ascending load."}, value.levels);
  archive({"users_at_target", "The most concurrent users that meet each target."},
          value.users_at_target);
  archive({"quality", "Benchmark scores in [0, 1]."}, value.quality);
}

}  // namespace llmsweep

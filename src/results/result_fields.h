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
      "Of a level whose load is no concurrency: `r2.5` for 2.5 requests/s, `u16` for 16 users, "
      "`p4.25` for a profile of 4.25 requests/s on average, `t0.5` for a trace scaled by 0.5.");
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

// The spec's keys; null, or empty: not stated.
template <class Archive>
void fields(Archive& archive, PowerSpec& value) {
  auto named = [&archive](const Key& key, auto& member, const auto&...) {
    archive({key.name, key.sentence}, member);
  };
  keys(named, value);
}
template <class Archive>
void fields(Archive& archive, PriceSpec& value) {
  auto named = [&archive](const Key& key, auto& member, const auto&...) {
    archive({key.name, key.sentence}, member);
  };
  keys(named, value);
}

// The power stands only where there is one.
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
  if constexpr (!Archive::kReads) {
    if (!value.power.stated()) archive.drop("power");
  }
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
  archive({"output_tokens", "Tokens of an answer; null: the API generates none."},
          value.output_tokens);
  archive({"inputs_per_request",
           "Texts of each request of embeddings, documents of each of rerank; null: the API "
           "generates tokens."},
          value.inputs_per_request);
  if constexpr (!Archive::kReads) {
    if (value.inputs_per_request) archive.object()["output_tokens"] = nullptr;
  }
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
  archive({"command",
           "The command line that made it, of a resumed sweep the last; `<redacted>` where a value "
           "may be a credential; empty: not recorded. Left out of what is shared."},
          value.command);
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
  archive(
      {"server_version", "Of the engine, by its `/version` or `/props`; empty: it does not say."},
      value.server_version);
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

template <class Archive>
void fields(Archive& archive, ClockReading& value) {
  archive({"monotonic_ns", "CLOCK_MONOTONIC."}, value.monotonic_ns);
  archive({"realtime_ns", "CLOCK_REALTIME at the same instant, since the epoch."},
          value.realtime_ns);
  archive({"max_error_us",
           "How far the kernel says that CLOCK_REALTIME is off from UTC at most (adjtimex, "
           "maxerror); null: it is not synchronised."},
          value.max_error_us);
  archive({"estimated_error_us", "How far it says that it is likely off; null likewise."},
          value.estimated_error_us);
}

template <class Archive>
void fields(Archive& archive, ClientOfRun& value) {
  archive({"rank", "Of the client."}, value.rank);
  archive({"lost", "Why its part of the run is missing or not whole; empty: it is whole."},
          value.lost);
  archive({"records", "Its requests, of all phases."}, value.records);
  archive({"clock_shift_ms",
           "What was added to its instants, so that all are of the clock of client 0, ms."},
          value.clock_shift_ms);
  archive({"clock_bound_ms",
           "How far that is off at most, ms: 0 on one machine; null: a clock is not synchronised."},
          value.clock_bound_ms);
  archive({"e2e_p50_ms", "Median of its own completed measured requests."}, value.e2e_p50_ms);
  archive({"ttft_p50_ms", "Likewise."}, value.ttft_p50_ms);
  archive({"client", "Its own health."}, value.client);
}

template <class Archive>
void fields(Archive& archive, PartOfRun& value) {
  archive({"rank", "Of the client, from 0."}, value.rank);
  archive({"of", "How many clients there are."}, value.of);
  archive({"start_at", "When the first run was to begin, UTC; empty: there is one client."},
          value.start_at);
  archive({"every_s", "Between the begins of two runs, s."}, value.every_s);
  archive({"clock", "Its clocks when the sweep began."}, value.clock);
}

template <class Archive>
void fields(Archive& archive, MergedClient& value) {
  archive({"rank", "Of the client, from 0."}, value.rank);
  archive({"host", "Its machine."}, value.host);
  archive({"cores", "The machine's CPU cores."}, value.cores);
  archive({"kernel", "Its kernel."}, value.kernel);
  archive({"boot_id", "Of its start; empty: not recorded."}, value.boot_id);
}

template <class Archive>
void fields(Archive& archive, OpenLoad& value) {
  archive({"state",
           "`settled`; `unsettled`: it cannot be told whether the endpoint carries the load; "
           "`overloaded`: it does not, and the level has no latencies."},
          value.state);
  archive({"overload", "What ended the run early: `none`, `max_in_flight` or `drain`."},
          value.overload);
  archive({"schedule_sha256", "Of the run's arrivals, all drawn before it; of a level empty."},
          value.schedule_sha256);
  archive({"window_from_ns", "CLOCK_MONOTONIC: begin of the window; of a level 0."},
          value.window_from_ns);
  archive({"window_to_ns", "Its end, which is not in it."}, value.window_to_ns);
  archive({"scheduled", "Arrivals of the window."}, value.scheduled);
  archive({"sent", "Requests sent in the window."}, value.sent);
  archive({"waiting_at_end", "Requests due by the end of the window that had no first token then."},
          value.waiting_at_end);
  archive({"growth_limit",
           "Growth, in requests, that chance alone exceeds in one run of a hundred; null: no "
           "window."},
          value.growth_limit);
  archive({"transient_e2e_ms",
           "Of an overloaded run: its E2E latencies, which a longer run would make larger; null "
           "otherwise."},
          value.transient_e2e);
  archive({"transient_ttft_ms", "The same of TTFT."}, value.transient_ttft);
}

template <class Archive>
void fields(Archive& archive, TurnFigures& value) {
  archive({"from", "The first of these turns."}, value.from);
  archive({"to", "The last; 0: all later ones too."}, value.to);
  archive({"ttft_ms", "Of their completed measured requests."}, value.ttft);
  archive({"e2e_ms", "Likewise."}, value.e2e);
}

template <class Archive>
void fields(Archive& archive, PrefixTokens& value) {
  archive({"input_tokens", "Of the measured turns, as the server counts."}, value.input_tokens);
  archive(
      {"ideal_tokens",
       "Of turns after the first: the input of the session's turn before, all of which the next "
       "prompt begins with."},
      value.ideal_tokens);
  archive({"reported_tokens", "Of the same turns: cached, as the server says."},
          value.reported_tokens);
  archive({"leaked_tokens", "Of those, what is over 64 tokens a turn beyond the ideal."},
          value.leaked_tokens);
  archive({"first_turn_tokens", "Cached of first turns: of a message that sessions share."},
          value.first_turn_tokens);
}

template <class Archive>
void fields(Archive& archive, SessionLoad& value) {
  archive({"think_mean_s",
           "Mean time to think before a measured turn, of a trace before a later one, s."},
          value.think_mean_s);
  archive({"response_mean_s", "Mean from when a measured turn was due to its end, s."},
          value.response_mean_s);
  archive({"turns_rps", "Measured turns a second, however they ended."}, value.turns_rps);
  archive({"users_by_law",
           "X · (R + Z), the three before: so many users there were, by Little's law; null of a "
           "trace."},
          value.users_by_law);
  archive({"law_noise",
           "By how much `users_by_law` is off through the edges of the window alone: its standard "
           "deviation ÷ the users."},
          value.law_noise);
  archive({"ended", "Sessions sent whole in the run, the last turn of which was measured."},
          value.ended);
  archive({"broken", "Measured turns that failed, each of which ended its session."}, value.broken);
  archive({"turns_not_sent", "Turns that these sessions had left."}, value.turns_not_sent);
  archive(
      {"goodput_fraction",
       "Of the sessions sent from their first turn on that were over with a measured one, those "
       "whose turns all kept every limit of the spec's goodput; null: it states none."},
      value.goodput_fraction);
  archive({"good", "How many these are."}, value.good);
  archive({"duration_ms", "Of the sessions that ended: first turn sent to last turn's end."},
          value.duration);
  archive({"waiting_ms", "Of the same: sum of the E2E latencies."}, value.waiting);
  archive({"ttft_sum_ms", "Of the same: sum of the TTFT."}, value.ttft_sum);
  archive({"prefix", "Cached input against the ideal; null: the server does not say."},
          value.prefix);
  archive({"turns", "Figures of turn 1, 2, 3 to 4, 5 to 8 and so on, and of all later ones."},
          value.turns);
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
  archive("total_throughput_tps", value.total_throughput_tps);
  archive("request_throughput_rps", value.request_throughput_rps);
  archive("inputs_per_s", value.inputs_per_s);
  archive("input_throughput_tps", value.input_throughput_tps);
  archive("achieved_concurrency", value.achieved_concurrency);
  archive("littles_law_error", value.littles_law_error);
  archive("in_step", value.in_step);
  archive("output_speed_tps", value.output_speed_tps);
  archive("decode_speed_tps", value.decode_speed_tps);
  archive("throughput_per_latency", value.throughput_per_latency);
  archive("goodput_fraction", value.goodput_fraction);
  archive("goodput_rps", value.goodput_rps);
  archive("offered_rps", value.offered_rps);
  archive("achieved_rps", value.achieved_rps);
  archive("served_rps", value.served_rps);
  archive("growth_rps", value.growth_rps);
  archive("cost_per_million_output_tokens", value.cost_per_million_output_tokens);
  archive("cost_per_million_tokens", value.cost_per_million_tokens);
  archive("gpu_j_per_output_token", value.gpu_j_per_output_token);
  archive("node_j_per_output_token", value.node_j_per_output_token);
  archive("provisioned_j_per_output_token", value.provisioned_j_per_output_token);
  archive("input_tokens_mean", value.input_tokens_mean);
  archive("output_tokens_mean", value.output_tokens_mean);
  archive("cached_tokens_mean", value.cached_tokens_mean);
  archive("input_tokens_off", value.input_tokens_off);
  archive("output_tokens_off", value.output_tokens_off);
  archive("token_count_estimated", value.token_count_estimated);
  archive("wall_seconds", value.wall_seconds);
  archive("open_loop", value.open);
  archive("sessions", value.sessions);
  archive("client", value.client);
}

template <class Archive>
void fields(Archive& archive, FigureReading& value) {
  archive({"figure", "Which."}, value.figure);
  archive({"run", "Of a counter: from the page before the run to the one after its drain."},
          value.run);
  archive({"served", "The same, to the end of the window: nothing of ours had been cancelled yet."},
          value.served);
  archive({"window", "The same, over the window."}, value.window);
  archive({"missing",
           "Why one of these is null: `edge_missing`, `counter_reset`, `series_changed`, "
           "`not_a_number`; empty: none is, or it is a gauge."},
          value.missing);
  archive({"mean", "Of a gauge: over the window's pages."}, value.mean);
  archive({"max", "Likewise, the largest."}, value.max);
  archive({"samples", "Of a gauge: pages of the window that had it."}, value.samples);
}

template <class Archive>
void fields(Archive& archive, SourceReading& value) {
  archive({"url", "The page."}, value.url);
  archive({"role", "What it speaks of, by `endpoint.metrics`."}, value.role);
  archive({"engine", "Whose names are on it; empty: none that is known."}, value.engine);
  archive({"pages", "That came."}, value.pages);
  archive({"failed", "That did not."}, value.failed);
  archive({"error", "Of the last one that did not."}, value.error);
  archive({"bytes", "Of the largest page."}, value.bytes);
  archive({"filtered", "Whether only the names that are needed were asked for in the window."},
          value.filtered);
  archive({"page_p50_ms", "From the request for a page to its last byte, median, ms."},
          value.page_p50_ms);
  archive({"page_max_ms", "The same, largest."}, value.page_max_ms);
  archive({"busy_fraction", "Share of the window in which a page was being read."},
          value.busy_fraction);
  archive({"largest_gap_s", "Between two pages of the window, s."}, value.largest_gap_s);
  archive({"refresh_s", "At which a counter of energy was seen to move, s; null: not known."},
          value.refresh_s);
}

template <class Archive>
void fields(Archive& archive, ForeignTraffic& value) {
  archive({"our_tokens", "Output tokens that we had received."}, value.our_tokens);
  archive({"server_tokens", "That the server had generated; null: it does not say."},
          value.server_tokens);
  archive({"tokens_uncertain", "That may be between the two, and are no sign of anybody else."},
          value.tokens_uncertain);
  archive({"our_requests", "That had ended here."}, value.our_requests);
  archive({"server_requests", "That had finished there; null: it does not say."},
          value.server_requests);
  archive({"tokens_share", "(server − ours) ÷ ours."}, value.tokens_share);
  archive({"requests_share", "Likewise of requests."}, value.requests_share);
  archive({"requests_of_others",
           "That the server had finished or aborted after the drain, less all that we sent: "
           "somebody else's, and at least so many; null: it does not say."},
          value.requests_of_others);
  archive({"found", "Whether that is somebody else's traffic."}, value.found);
}

template <class Archive>
void fields(Archive& archive, ScrapeInfluence& value) {
  archive({"pages", "Read in the window between its edges."}, value.pages);
  archive({"page_ms", "What one took, mean."}, value.page_ms);
  archive({"busy_fraction", "Share of the window in which one of them was being read."},
          value.busy_fraction);
  archive({"gaps", "Gaps between chunks of one answer in which a page was being read."},
          value.gaps);
  archive({"gap_ms", "The other gaps, mean."}, value.gap_ms);
  archive({"expected_ms",
           "Mean of the gaps that a page would meet which changes nothing: it meets long ones more "
           "often."},
          value.expected_ms);
  archive({"met_ms", "Mean of those that it met."}, value.met_ms);
  archive({"standard_error_ms", "Of `met_ms`, between pages; null: there was one."},
          value.standard_error_ms);
}

template <class Archive>
void fields(Archive& archive, AnswerTimes& value) {
  archive({"requests", "Completed measured requests whose answers say them."}, value.requests);
  archive({"prefill_p50_ms", "The server's own time to the first token, without queueing, median."},
          value.prefill_p50_ms);
  archive({"decode_p50_ms", "The server's own time from the first token to the last, median."},
          value.decode_p50_ms);
  archive({"before_prefill_p50_ms",
           "Our TTFT less the server's prefill, median: queueing and the network."},
          value.before_prefill_p50_ms);
  archive({"decode_differs_p50_ms",
           "Our time from the first token to the last less the server's, median."},
          value.decode_differs_p50_ms);
}

template <class Archive>
void fields(Archive& archive, EnergyReading& value) {
  archive({"basis", "Where it comes from; what each includes: docs/telemetry.md."}, value.basis);
  archive({"gpus", "Whose readings there are."}, value.gpus);
  archive({"window_s", "Between the readings at the window's edges, s."}, value.window_s);
  archive({"joules", "In it, J."}, value.joules);
  archive({"error_j", "At most, by what is not known of the edges' instants, J."}, value.error_j);
  archive({"mean_power_w", "In it, W."}, value.mean_power_w);
  archive({"tokens", "Output tokens that we received in it."}, value.tokens);
  archive({"j_per_output_token", "J; null: `missing` says why."}, value.j_per_output_token);
  archive({"missing",
           "Why it is null: `window_short` (under 60 s), `gpus_differ` (from `system.gpus`), "
           "`error_too_large` (over 2 %), `refresh_unknown`, `counter_disagrees` (with power, by "
           "over 5 %), `gap_too_long` (over 3 s between readings of power, 10 s of a meter's), "
           "`source_not_stated` (system.power.node_source), `foreign_traffic`, `edge_missing`, "
           "`series_changed`, `counter_reset`, `not_a_number`, `nothing_used`."},
          value.missing);
}

template <class Archive>
void fields(Archive& archive, RunTelemetry& value) {
  archive({"sources", "The pages of metrics."}, value.sources);
  archive({"window_s",
           "Between the two pages at the edges of the window: after the first measured request was "
           "sent, and after the last one has ended, s."},
          value.window_s);
  archive({"window_tokens", "Output tokens that we received in it, of all phases."},
          value.window_tokens);
  archive({"figures", "Of all sources together."}, value.figures);
  archive({"foreign",
           "The server's counts against ours, from before the run to the end of its window; null: "
           "a page is missing."},
          value.foreign);
  archive({"influence",
           "What reading the server's pages did to the gaps between chunks; null: none was read "
           "between the window's edges."},
          value.influence);
  archive({"busy_before", "Requests at the server before our first; null: it does not say."},
          value.busy_before);
  archive({"answers",
           "The server's own times, where its answers say them (llama.cpp's `timings`), against "
           "ours; null: they do not."},
          value.answers);
  archive({"energy", "By each basis that there are readings of."}, value.energy);
}

template <class Archive>
void fields(Archive& archive, RunStats& value) {
  archive("repeat", value.repeat);
  archive("started_s", value.started_s);
  archive("confirming", value.confirming);
  archive("telemetry", value.telemetry);
  archive("clients", value.clients);
  statistics(archive, value);
}

template <class Archive>
void fields(Archive& archive, ModelStats& value) {
  archive({"model", "Its name."}, value.model);
  archive({"completed", "Measured requests for it that ended well."}, value.completed);
  archive({"failed", "Those that did not."}, value.failed);
  archive({"e2e_ms", "As of the level."}, value.e2e);
  archive({"ttft_ms", "Likewise."}, value.ttft);
  archive({"tpot_ms", "Likewise."}, value.tpot);
  archive({"itl_ms", "Likewise."}, value.itl);
  archive({"input_tokens_mean", "As the server counts; null: it does not."},
          value.input_tokens_mean);
  archive({"output_tokens_mean", "Of an answer; null: the API generates none."},
          value.output_tokens_mean);
}

template <class Archive>
void fields(Archive& archive, LevelStats& value) {
  load_point(archive, "concurrency", value.point);
  statistics(archive, value.pooled);
  archive("e2e_p50_between_runs_ci95", value.e2e_p50_between_runs_ci95);
  archive("throughput_between_runs_ci95", value.throughput_between_runs_ci95);
  archive("runs", value.runs);
  archive("models", value.models);
}

template <class Archive>
void fields(Archive& archive, ProfileStep& value) {
  archive({"from_s", "After the begin of the window, s."}, value.from_s);
  archive({"to_s", "Its end, which is not in it, s."}, value.to_s);
  archive({"rate_from", "Requests a second at its begin, as the spec asks for them."},
          value.rate_from);
  archive({"rate_to", "At its end."}, value.rate_to);
  archive({"level", "Its figures, as of a level by itself."}, value.level);
}

template <class Archive>
void fields(Archive& archive, ReplaySummary& value) {
  archive({"file", "Name of its file."}, value.file);
  archive({"format", "Whose format it is (docs/traces.md)."}, value.format);
  archive({"sha256", "Of the file, as it is stored."}, value.sha256);
  archive({"from_s", "Where in it the replay begins, s."}, value.from_s);
  archive({"span_s", "How long what is replayed lasts at its own speed, s."}, value.span_s);
  archive({"requests", "That it has there."}, value.requests);
  archive({"sessions", "That they are of; without sessions each request is one."}, value.sessions);
  archive({"rate_rps", "Requests a second there, on average."}, value.rate_rps);
  archive({"spread_s", "How much later than recorded a request comes at most, drawn, s."},
          value.spread_s);
  archive({"scaled_by", "What a level's number is: a share, copies, a speed, or a rate."},
          value.scaled_by);
  archive({"block_tokens", "Tokens of a block of hash ids; 0: what prompts share is not told."},
          value.block_tokens);
  archive({"ideal_cached_share",
           "Of its input tokens, those that an endless prefix cache with blocks of 16 tokens would "
           "have had; null: not told."},
          value.ideal_cached_share);
  archive(
      {"session_mode",
       "`closed`: a later turn of a session comes once the turn before has ended and its time "
       "to think is over; `open`: at its own instant. Null: no session has a later turn, or the "
       "result is of before there was a choice, and they are open."},
      value.session_mode);
  archive({"think_source",
           "Of closed sessions: the trace tells the time to think (`told`), or it is what lies "
           "between two turns' instants, the recorded server's answer among it (`instants`); else "
           "null."},
          value.think_source);
  archive({"think_cap_s", "What it was cut to at most, s; null: it was not cut."},
          value.think_cap_s);
}

// One limit. `of_what`: what the statistic is taken of.
template <class Archive>
void limit_fields(Archive& archive, Target& target, const char* of_what) {
  double target_ms = to_ms(target.max);
  archive({"metric", "What is limited; null: `all` says it."}, target.metric);
  archive({"statistic", of_what}, target.statistic);
  archive({"target_ms", "The limit, ms."}, target_ms);
  archive({"min_tps", "Of a limit on TPOT that was said as a decode speed, tokens/s; else null."},
          target.min_tps);
  if constexpr (Archive::kReads) {
    const bool bad = !(target_ms > 0 && target_ms < 1e12);
    if (bad && target.all.empty()) archive.place().fail("target_ms must be above 0");
    target.max = bad ? Duration{} : from_ms(target_ms);
  }
}

// Of a list of limits.
template <class Archive>
void fields(Archive& archive, Target& value) {
  limit_fields(archive, value, "Of a level.");
}

template <class Archive>
void target_fields(Archive& archive, Target& target, const char* of_what) {
  archive({"all", "Limits that have to hold together, in place of one; empty: there is one."},
          target.all);
  archive({"tier", "Their name; empty: they have none."}, target.name);
  limit_fields(archive, target, of_what);
  if constexpr (!Archive::kReads) {
    if (target.all.empty()) return;
    for (const char* key : {"metric", "statistic", "target_ms"}) archive.object()[key] = nullptr;
  }
}

template <class Archive>
void fields(Archive& archive, EnergyAt& value) {
  archive({"basis", "Where it comes from; what each includes: docs/cost.md."}, value.basis);
  archive({"j_per_output_token", "J; null: `missing` says why."}, value.j_per_output_token);
  archive({"ci95", "Its interval between runs."}, value.ci95);
  archive({"error",
           "What it is off by at most, a share of it; of GPUs' readings the worst run's; null: "
           "`error_missing` says why."},
          value.error);
  archive(
      {"error_missing",
       "`not_stated` (system.power.node_error), `not_measured` (a provision is no measurement); "
       "empty: there is an error, or no figure."},
      value.error_missing);
  archive({"tps_per_mw", "Output tokens a second for a megawatt: 10^6 ÷ j_per_output_token."},
          value.tps_per_mw);
  archive({"cost_per_million_output_tokens",
           "Of this energy alone, in prices.currency: prices.kwh × prices.pue, of what is "
           "provisioned without the pue; in no other cost. null: no price of it is stated."},
          value.cost_per_million_output_tokens);
  archive({"missing",
           "Why there is no figure: `not_read`, `not_stated`, `no_throughput`, or why a run's "
           "readings say none (telemetry.energy[].missing)."},
          value.missing);
  archive({"metered",
           "Of the nodes: whether by the readings in node_power.csv, and not by "
           "system.power.node_kw."},
          value.metered);
}

template <class Archive>
void fields(Archive& archive, OperatingPoint& value) {
  load_point(archive, {"concurrency", "The level; null: of a rate."}, value.point);
  archive({"cost_per_million_output_tokens", "In prices.currency; null: `cost_missing` says why."},
          value.cost_per_million_output_tokens);
  archive({"cost_per_million_output_tokens_ci95", "Its interval between runs."},
          value.cost_per_million_output_tokens_ci95);
  archive({"cost_per_million_tokens",
           "Of input and output tokens together; null: likewise, or the input is not counted."},
          value.cost_per_million_tokens);
  archive({"cost_at_utilisation",
           "Of output tokens, where only prices.utilisation of the hours paid for are used so; "
           "null: not stated."},
          value.cost_at_utilisation);
  archive({"cost_missing",
           "`price_not_stated`, `price_undated` (without source or date), `price_is_0`, "
           "`gpus_not_stated`, `no_throughput`; empty: there is a cost."},
          value.cost_missing);
  archive({"energy", "By each basis: the GPUs' readings, the nodes, provisioned."}, value.energy);
}

template <class Archive>
void fields(Archive& archive, UsersAtTarget& value) {
  target_fields(archive, value.target, "Of a level.");
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
  archive({"confirmed", "Whether fresh runs of both ends say the same (`load.refine`, `search`)."},
          value.confirmed);
  archive({"confirmed_error",
           "How often such a bracket misses the truth at most; null: not confirmed."},
          value.confirmed_error);
  archive({"operating_point",
           "What tokens cost and use at the highest level that passes; null: none does, or neither "
           "prices nor power are stated and no energy was read."},
          value.operating_point);
}

template <class Archive>
void fields(Archive& archive, RateAtTarget& value) {
  target_fields(archive, value.target, "Of a level.");
  archive({"kind",
           "Whether a level passes and one fails, all fail, all pass (read the rate as ≥), or none "
           "could be judged."},
          value.kind);
  archive({"rate_rps", "The highest passing rate, requests a second."}, value.rate_rps);
  archive({"r_pass", "The highest level that passes."}, value.r_pass);
  archive({"r_fail", "The lowest above it that fails, by its latency or as overloaded."},
          value.r_fail);
  archive({"r_interpolated", "Between the two, by interpolation."}, value.r_interpolated);
  archive({"r_interpolated_ci95", "Its interval between runs."}, value.r_interpolated_ci95);
  archive({"rate_per_gpu_rps", "rate_rps ÷ system.gpus; null: the GPUs are not stated."},
          value.rate_per_gpu_rps);
  archive({"confirmed", "Whether fresh runs of both ends say the same (`search`)."},
          value.confirmed);
  archive({"confirmed_error",
           "How often such a bracket misses the truth at most; null: not confirmed."},
          value.confirmed_error);
  archive({"operating_point",
           "What tokens cost and use at the highest level that passes; null: none does, or neither "
           "prices nor power are stated and no energy was read."},
          value.operating_point);
}

template <class Archive>
void fields(Archive& archive, GateLooks& value) {
  archive({"first", "Runs of a level at the first look."}, value.first);
  archive({"last", "At the last that was planned."}, value.last);
  archive({"levels", "Level of the one-sided bounds at each look, first to last."}, value.levels);
  archive({"endless", "Whether it went on beyond the last: then by an e-process."}, value.endless);
}

template <class Archive>
void fields(Archive& archive, SearchStepTaken& value) {
  load_point(archive, {"concurrency", "Requests in flight; null: of a rate."}, value.point);
  archive({"repeat", "From 0."}, value.repeat);
  archive({"confirming", "Whether it was a fresh run, to confirm an end."}, value.confirming);
  archive({"value_ms", "Of the target's metric and statistic; null: it has none."}, value.value_ms);
  archive({"of_limit",
           "Of a target with several limits, in place of value_ms: the largest share of its own "
           "limit that a figure takes; null otherwise."},
          value.of_limit);
  archive({"keeps", "Whether it keeps the target; null: it cannot be judged."}, value.keeps);
}

template <class Archive>
void fields(Archive& archive, SearchResult& value) {
  target_fields(archive, value.target, "Of a run.");
  archive({"over", "What was varied."}, value.over);
  archive({"low", "The least load that was asked for."}, value.low);
  archive({"high", "The most."}, value.high);
  archive({"width", "Of the bracket that was asked for: high end ÷ low end."}, value.width);
  archive({"alpha", "How often a confirmed bracket misses the truth at most."}, value.alpha);
  archive({"end",
           "Confirmed at both ends; even the least load misses (below), the most one keeps the "
           "target (beyond); a load above a miss keeps it (not_monotone); nine runs could not tell "
           "(undecided); a run is not valid (not_judged); `search.budget` or `load.budget` spent "
           "(budget); or still open."},
          value.end);
  archive({"pass", "The highest load that keeps the target, as far as it is told."}, value.pass);
  archive({"fail", "The lowest that misses it, as an overloaded or unsettled run does."},
          value.fail);
  archive({"runs_pass", "Fresh runs of `pass`."}, value.runs_pass);
  archive({"runs_fail", "Fresh runs of `fail`."}, value.runs_fail);
  archive({"path", "Its runs, in the order in which they were made."}, value.path);
}

template <class Archive>
void fields(Archive& archive, ModelShare& value) {
  archive({"name", "Its name."}, value.name);
  archive({"weight", "How often requests ask for it, beside the others' weights."}, value.weight);
}

template <class Archive>
void fields(Archive& archive, PairOrder& value) {
  load_point(archive, FileKey("concurrency", "Of the level."), value.point);
  archive({"repeat", "The round, from 0."}, value.repeat);
  archive({"a_first", "Whether side a was measured before side b."}, value.a_first);
}

template <class Archive>
void fields(Archive& archive, Pairing& value) {
  archive({"id", "Of the comparison: both of its results have it."}, value.id);
  archive({"side", "`a`, the baseline, or `b`."}, value.side);
  archive({"order", "The pairs, as they were planned."}, value.order);
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
           "`load.budget.tokens`, `load.budget.time` or `search.budget` where that ended the sweep "
           "before its last "
           "run; empty otherwise."},
          value.stopped_for);
  archive({"planned_runs", "Runs of levels that the spec asks for; 0: not known."},
          value.planned_runs);
  archive({"preliminary", "Whether the source calls the figures preliminary."}, value.preliminary);
  archive({"model", "As the server names it; of several the first."}, value.model);
  archive({"models", "Models that requests asked for, with their shares; empty: one."},
          value.models);
  archive({"system", "The system under test, as stated by the user."}, value.system);
  archive({"prices", "As stated in `endpoint.prices`; null: none are."}, value.prices);
  archive({"workload", "What was asked."}, value.workload);
  archive({"provenance", "Where the figures come from."}, value.provenance);
  archive({"trace", "The traffic that `load.trace` replays; null: another load."}, value.trace);
  archive({"search", "What `search` found, and how; null: levels were listed."}, value.search);
  archive({"looks",
           "When `run --gate` could decide while runs were added, and at what level; null: no gate "
           "decided then."},
          value.looks);
  archive({"pairing",
           "Of a side of `llmsweep versus`, whose runs are compared pair by pair; null: it was "
           "measured by itself."},
          value.pairing);
  archive({"part",
           "Of one of several clients (`run --part`): the requests are its own alone, every level "
           "is INVALID (`one_part`), and `llmsweep merge` makes the result; null: they are all."},
          value.part);
  archive({"clients", "Of what `merge` made: the clients, by rank; empty: there was one."},
          value.clients);
  archive({"levels", "In ascending load."}, value.levels);
  archive({"profile",
           "Of a `load.profile`: its steps, with what was scheduled in each; empty otherwise."},
          value.profile);
  archive({"users_at_target", "The most concurrent users that meet each target."},
          value.users_at_target);
  archive({"rates_at_target", "The most requests a second that meet each target."},
          value.rates_at_target);
  archive({"quality", "Benchmark scores in [0, 1]."}, value.quality);
}

}  // namespace llmsweep

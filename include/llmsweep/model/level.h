// The statistics of one level (of one load point), as metrics.md defines them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/telemetry.h"

namespace llmsweep {

struct Interval {
  double low = 0;
  double high = 0;

  bool operator==(const Interval&) const = default;
};

// Of a sample; ms. Absent percentiles: not enough samples (p99 needs 300, p99.9 3,000).
struct Distribution {
  std::optional<int64_t> count = 0;      // absent: another tool's file does not say
  std::optional<double> mean, min, max;  // absent: no samples, or likewise
  std::optional<double> p50, p90, p95, p99, p999;
  std::optional<Interval> p50_ci95;   // within-run, order statistics; absent below 6 samples
  std::optional<double> p50_at_most;  // published data: only a bound of the median is known

  bool empty() const { return count && *count == 0; }  // not: of an unknown number of samples
  bool has(int64_t samples) const { return !count || *count >= samples; }
  bool operator==(const Distribution&) const = default;
};

// Why a level cannot be trusted. One value, one sentence, one remedy: see stats/validity.h.
enum class InvalidReason {
  kClientBusy,
  kClientDelay,      // measured kernel arrival → stamp
  kGapsLeftOut,      // over 1 % of the gaps, since the client's host was stalled
  kSendLateness,     // open loop
  kSlotGap,          // closed loop
  kConcurrencyOff,   // achieved concurrency off by more than 2 %
  kRateOff,          // sends in the window off by more than 2 % from the schedule
  kOutputTokensOff,  // measured output tokens off by more than 1 %
  kInputTokensOff,
  kPrefixLeak,  // of sessions: over 1 % of the input was cached beyond what their own turns put
                // there
  kErrors,
  kTooFewRequests,
  kEnergyMissing,  // the spec requires it
  kInterrupted,
  kOnePart,        // the requests of one of several clients
  kClientLost,     // the part of one of several clients is missing or not whole
  kClockUnproved,  // of one of several clients: whether it ran beside the others cannot be told
};

enum class Warning {
  kClientBusy,      // over 30 %
  kClientDelayE2e,  // a figure of this metric is in RunStats::validity
  kClientDelayTtft,
  kClientDelayTtfo,
  kClientDelayTpot,
  kClientDelayItl,
  kClientDelayIcl,
  kHostStall,  // and a figure is in RunStats::validity
  kReconnects,
  kTokenCountEstimated,  // output tokens counted as chunks
  kInputUnverified,      // the server reports no usage.prompt_tokens
  kOutputOff,            // answers of another length than asked for, where the spec says about
  kInputEstimated,       // no tokenizer: the lengths asked for were estimates, and are off
  kCachedTokens,
  kBuffered,        // answers that came in one read: no TTFT, TPOT or ITL
  kCoalesced,       // most chunks came together with another
  kOtherModel,      // the server says that another model answered
  kRepairedChunks,  // chunks that were no JSON as the standard has it
  kPromptsReused,
  kOneRepeat,
  kLittlesLaw,
  kNoReceiveStamps,
  kRetryAfterCut,   // load.retry_after: hold, and the server asked for more than retry_after_max
  kSlotsHeld,       // slots waited as a Retry-After said
  kResponseTail,    // the server ended its responses late, and the slots waited
  kWithDrain,       // no fillers: throughput has the drain in it
  kForeignTraffic,  // the server did more than we asked of it
};

// Why an open loop's run was ended before its last measured request.
enum class Overload {
  kNone,
  kMaxInFlight,  // load.max_in_flight was reached
  kDrain,        // load.drain was over
};

// Whether the endpoint carried the load. Beside validity: a slow server is no bad measurement.
enum class LoadState {
  kSettled,
  kUnsettled,   // cannot be told
  kOverloaded,  // latencies grow with the length of the run, and so have no value
};

// What the records of a run do not say that measures a window: an open loop's, or users'.
struct OpenRun {
  int64_t start_ns = 0;  // CLOCK_MONOTONIC: the instants of the schedule count from it
  std::string schedule_sha256;
  Overload overload = Overload::kNone;

  bool operator==(const OpenRun&) const = default;
};

// What the client knows about itself during one run of a level.
struct ClientHealth {
  int threads = 1;
  double busy_fraction = 0;  // share of wall time outside the wait for events; worst thread
  double cpu_seconds = 0;    // of the event-loop threads
  int64_t iterations = 0;
  double iteration_p50_ms = 0;  // work between two waits for events
  double iteration_p99_ms = 0;
  double iteration_max_ms = 0;
  int64_t chunks = 0;  // token-bearing, over all phases
  double chunks_per_iteration = 0;
  double coalesced_fraction = 0;
  double tokens_per_chunk = 0;
  double send_lateness_p50_ms = 0;  // scheduled → sent, of requests with their own `at`
  double send_lateness_p99_ms = 0;
  double slot_gap_p50_ms = 0;  // end of a slot's request → sent of its next
  double slot_gap_p99_ms = 0;
  std::optional<double> slot_gap_mean_ms;  // absent: older files
  int64_t reconnects = 0;
  int64_t stalls = 0;  // over 5 ms between two ticks of the watchdog
  double stall_max_ms = 0;
  int64_t stalled_requests = 0;  // measured requests that a stall overlapped
  bool receive_stamps = false;   // whether the kernel's stamps could be had
  int64_t receive_samples = 0;
  double receive_delay_p50_ms = 0;  // kernel arrival → our stamp
  std::optional<double> receive_delay_mean_ms, receive_delay_p90_ms, receive_delay_p95_ms;
  double receive_delay_p99_ms = 0;
  double receive_delay_max_ms = 0;
  double receive_sampling_seconds = 0;  // what looking at the stamps cost
  // Between chunks of completed measured requests: how many there were, and those that are in
  // neither ITL nor ICL, since the host was stalled.
  int64_t gaps = 0;
  int64_t gaps_left_out = 0;

  bool operator==(const ClientHealth&) const = default;
};

// The clocks of one of several clients when it made a run.
struct RunClocks {
  ClockReading begin;  // before it
  ClockReading end;    // after it

  bool operator==(const RunClocks&) const = default;
};

// What one of several clients had to do with a run that `merge` put together.
struct ClientOfRun {
  int rank = 0;
  std::string lost;  // why its part of the run is missing or not whole; empty: it is whole
  int64_t records = 0;
  double clock_shift_ms = 0;  // what was added to its instants: part 0's clock less its own
  // How far that is off at most; absent: one of the two clocks is not synchronised.
  std::optional<double> clock_bound_ms;
  std::optional<double> e2e_p50_ms;  // of its own completed measured requests
  std::optional<double> ttft_p50_ms;
  ClientHealth client;

  bool operator==(const ClientOfRun&) const = default;
};

// A reason of failed requests: the server's own sentence, where it gave one.
struct ErrorCount {
  std::string text;
  int64_t count = 0;

  bool operator==(const ErrorCount&) const = default;
};

struct RequestCounts {
  std::optional<int64_t> completed = 0;   // measured and ok; absent: a file does not say
  std::optional<int64_t> failed = 0;      // measured and not ok; likewise
  std::map<Outcome, int64_t> by_outcome;  // measured
  std::vector<ErrorCount> errors;         // of `failed`: the five that came most, each once

  // Both together; absent where the one that ended well is not known. Failures that a file does not
  // count are none of it.
  std::optional<int64_t> all() const {
    return completed ? std::optional(*completed + failed.value_or(0)) : std::nullopt;
  }
  bool operator==(const RequestCounts&) const = default;
};

// The same requests as vLLM's `bench serve` reads them, to match its numbers: TTFT to the first
// chunk with a choice (the role's), E2E to the last (the finish reason's), TPOT between the two per
// output token after the first. Always from `sent`.
struct VllmDefinitions {
  Distribution e2e, ttft, tpot;

  bool operator==(const VllmDefinitions&) const = default;
};

// The figures that the client may have made, and why; what is not in it can be trusted where the
// level can. By the measure's key with its statistic: "ttft:p50", "itl:p99", "decode_speed".
using Validity = std::map<std::string, std::vector<InvalidReason>>;

// What became of an open loop's load in one run; of a level: the worst of its runs.
struct OpenLoad {
  LoadState state = LoadState::kSettled;
  Overload overload = Overload::kNone;
  std::string schedule_sha256;  // of a level: empty
  // CLOCK_MONOTONIC, of a level 0. `window_to_ns` lies earlier than planned where the run was ended
  // as overloaded.
  int64_t window_from_ns = 0, window_to_ns = 0;
  int64_t scheduled = 0;               // arrivals of the window
  int64_t sent = 0;                    // in the window, of whatever phase
  int64_t waiting_at_end = 0;          // of the window: scheduled, no first token
  std::optional<double> growth_limit;  // requests: over it the level is overloaded
  // Of a run that is overloaded: latencies that a longer run would make larger. For looking at,
  // never to be compared.
  std::optional<Distribution> transient_e2e, transient_ttft;

  bool operator==(const OpenLoad&) const = default;
};

// Of the completed measured requests that are turns `from` to `to` of their sessions; `to` 0: and
// all later ones.
struct TurnFigures {
  int64_t from = 1;
  int64_t to = 1;
  Distribution ttft, e2e;

  bool operator==(const TurnFigures&) const = default;
};

// Tokens of the measured turns of which the server says how many it had cached.
struct PrefixTokens {
  int64_t input_tokens = 0;
  int64_t ideal_tokens = 0;       // of later turns: what the session's turn before had put there
  int64_t reported_tokens = 0;    // of later turns: cached, as the server says
  int64_t leaked_tokens = 0;      // of later turns: beyond the ideal, by over 64 tokens a turn
  int64_t first_turn_tokens = 0;  // cached of first turns: of a message that sessions share

  std::optional<double> capture() const {
    if (ideal_tokens == 0) return std::nullopt;
    return static_cast<double>(reported_tokens) / static_cast<double>(ideal_tokens);
  }
  double leak() const {  // share of the input
    if (input_tokens == 0) return 0;
    return static_cast<double>(leaked_tokens) / static_cast<double>(input_tokens);
  }
  bool operator==(const PrefixTokens&) const = default;
};

// What users with sessions, or the closed sessions of a trace, did in the window of a run; of a
// level: of all its runs.
struct SessionLoad {
  // Means over the measured turns: before one (of a trace: before a later turn), and from when it
  // was due to its end.
  std::optional<double> think_mean_s, response_mean_s;
  std::optional<double> turns_rps;  // measured turns ÷ window, however they ended
  // turns_rps · (response + think): so many users there were. Absent: of a trace.
  std::optional<double> users_by_law;
  // What that is off by the window's edges alone: standard deviation ÷ users. Absent: of a trace,
  // and in files of before it was known.
  std::optional<double> law_noise;
  int64_t ended = 0;           // sessions sent whole in the run, whose last turn is measured
  int64_t broken = 0;          // measured turns that failed, each of which ended its session
  int64_t turns_not_sent = 0;  // that these had left
  // Of the sessions that were sent from their first turn on and are over with a measured one: those
  // whose turns all kept every limit of the spec's goodput. Absent: it states none.
  std::optional<double> goodput_fraction;
  std::optional<int64_t> good;
  Distribution duration, waiting, ttft_sum;  // of those ended, ms
  std::optional<PrefixTokens> prefix;        // absent: the server does not say what it had cached
  std::vector<TurnFigures> turns;            // 1, 2, 3 to 4, 5 to 8, …; and from the second on

  bool operator==(const SessionLoad&) const = default;
};

// One run (repeat) of a level.
struct RunStats {
  int repeat = 0;                   // from 0
  std::optional<double> started_s;  // after the sweep's first run; absent: not known
  bool confirming = false;  // made to confirm an end of the users' bracket, once it was chosen
  bool valid = true;
  std::vector<InvalidReason> invalid_reasons;
  Validity validity;
  std::vector<Warning> warnings;
  RequestCounts requests;
  Distribution e2e, ttft, ttfo, tpot, itl, icl;
  std::optional<VllmDefinitions> vllm;  // absent: records without these instants, imported data
  // Of these and the means below: absent where there is no basis, or a file does not say.
  std::optional<double> output_throughput_tps;
  std::optional<double> steady_output_throughput_tps;
  std::optional<double> drain_bias;  // output ÷ steady − 1
  std::optional<double> throughput_per_gpu_tps;
  std::optional<double> total_throughput_tps;  // input and output tokens
  std::optional<double> request_throughput_rps;
  // Of an API that generates no tokens, whose requests have inputs (texts, documents).
  std::optional<double> inputs_per_s, input_throughput_tps;
  std::optional<double> achieved_concurrency;
  std::optional<double> littles_law_error;  // |L − λW| / L
  std::optional<double> in_step;            // share of the other slots that start with a request
  std::optional<double> output_speed_tps;   // median over requests of output_tokens / E2E
  std::optional<double> decode_speed_tps;   // 1 / median TPOT
  std::optional<double> throughput_per_latency;  // steady ÷ median E2E in ms
  std::optional<double> goodput_fraction;
  std::optional<double> goodput_rps;
  // Of an open loop: requests a second in the window, of which growth is what came and did not go.
  std::optional<double> offered_rps, achieved_rps, served_rps, growth_rps;
  // stats/cost.h: by headline_throughput_tps(); J per output token by each basis.
  std::optional<double> cost_per_million_output_tokens, cost_per_million_tokens;
  std::optional<double> gpu_j_per_output_token, node_j_per_output_token;
  std::optional<double> provisioned_j_per_output_token;
  std::optional<double> input_tokens_mean;  // as the server counts; absent: it does not
  std::optional<double> output_tokens_mean;
  std::optional<double> cached_tokens_mean;
  // Σ |measured − planned| ÷ Σ planned over the completed requests with both; absent: none has.
  std::optional<double> input_tokens_off;
  std::optional<double> output_tokens_off;  // counts estimated from chunks stay out
  bool token_count_estimated = false;
  std::optional<double> wall_seconds;
  std::optional<OpenLoad> open;         // absent: a closed loop, or imported data
  std::optional<SessionLoad> sessions;  // absent: no users with sessions
  ClientHealth client;
  std::vector<ClientOfRun> clients;  // by rank; empty: one client made the run, and of pooled runs
  std::optional<RunTelemetry> telemetry;  // absent: no page of metrics was read, and of pooled runs

  // Also of a closed loop, where nothing speaks against it.
  bool is_settled() const { return !open || open->state == LoadState::kSettled; }
  bool is_overloaded() const { return open && open->state == LoadState::kOverloaded; }
  bool operator==(const RunStats&) const = default;
};

// Of the measured requests of a level that asked for one of several models.
struct ModelStats {
  std::string model;
  int64_t completed = 0;
  int64_t failed = 0;
  Distribution e2e, ttft, tpot, itl;
  std::optional<double> input_tokens_mean;   // absent: the server does not count
  std::optional<double> output_tokens_mean;  // absent: the API generates none

  bool operator==(const ModelStats&) const = default;
};

// A level: its runs, pooled. Latency distributions pool the measured requests of all runs;
// throughputs are the geometric mean of the runs'; `*_ci95` speak between runs (Student t on logs).
struct LevelStats {
  LoadPoint point;
  RunStats pooled;  // `repeat` not used
  std::optional<Interval> e2e_p50_between_runs_ci95;
  std::optional<Interval> throughput_between_runs_ci95;
  std::vector<RunStats> runs;
  std::vector<ModelStats> models;  // by name; empty: requests asked for one model

  bool operator==(const LevelStats&) const = default;
};

}  // namespace llmsweep

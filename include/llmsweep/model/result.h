// A sweep's result: what result.json holds, for measured, simulated, imported and published data.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

inline constexpr int kResultSchemaVersion = 1;

struct WorkloadSummary {
  std::string dataset;
  std::optional<TokenCount> input_tokens;
  InputScope input_scope = InputScope::kTotal;
  // Without a tokenizer, where the server counts over 1 % more or fewer than `input_tokens`: its
  // mean.
  std::optional<double> input_tokens_counted;
  // The same of answers, where the spec says output_lengths: about.
  std::optional<double> output_tokens_counted;
  TokenCount output_tokens;  // 0: unknown, or the API generates none
  // Texts or documents of each request; absent: the API generates tokens.
  std::optional<int64_t> inputs_per_request;
  uint64_t seed = 0;
  bool streaming = true;
  // Of the prompts as they are without a nonce, so that runs of one workload have the same. Empty:
  // unknown (imported, published).
  std::string prompt_set_sha256;
  std::string nonce;  // of these runs; empty: none
  std::string tokenizer_path;
  std::string tokenizer_sha256;
  int64_t tokenizer_vocabulary = 0;
  std::optional<int64_t> template_overhead_tokens;  // calibrated
  int64_t dataset_records_skipped = 0;

  bool operator==(const WorkloadSummary&) const = default;
};

struct Provenance {
  std::string command;  // the command line, without credentials; empty: not recorded
  std::string host;
  int cores = 0;
  std::string kernel;
  std::string boot_id;  // of the host's start; empty: not recorded
  std::string libcurl;
  std::string transport;  // that carried the load: "sockets" or "libcurl"; empty: not recorded
  std::string ca_file;    // of the authorities that HTTPS trusted; empty: no HTTPS, or not recorded
  std::string server_version;    // of the engine, as the first URL says it; empty: it does not
  std::string server_started;    // UTC, by the metrics of the first URL; empty: it does not say
  std::string resolved_address;  // of the first URL
  std::vector<std::string> resolved_addresses;  // of each of endpoint.urls; empty: one URL
  std::vector<std::pair<std::string, std::string>> server_headers;
  std::string models_json;                  // the answer of /v1/models, cut at 64 KiB; empty: none
  std::vector<std::string> dropped_fields;  // request fields that the server refused
  std::vector<std::string> notes;           // in plain words: what else a reader must know

  bool operator==(const Provenance&) const = default;
};

// What happened to the search for the highest concurrency that meets a target.
enum class UsersKind {
  kMeasured,      // a passing and a failing level
  kBelowSweep,    // the lowest level misses it
  kBeyondSweep,   // every level meets it: "≥ c_pass"
  kNoValidLevel,  // no level could be judged
};

// The energy of an output token by one basis. They include different things, and none is filled in
// from another.
struct EnergyAt {
  EnergyBasis basis = EnergyBasis::kGpuCounter;
  std::optional<double> j_per_output_token;
  std::optional<Interval> ci95;      // between runs
  std::optional<double> error;       // of the energy, a share at most, in every run
  std::string error_missing = {};    // why not: not_stated, not_measured
  std::optional<double> tps_per_mw;  // output tokens a second for a megawatt
  // Of the electricity for 1M output tokens, in prices.currency; absent: its price is not stated.
  std::optional<double> cost_per_million_output_tokens = {};
  std::string missing = {};  // why there is no figure: not_read, not_stated, window_short, …
  bool metered = false;      // of the nodes, by a meter's readings and not by a figure as stated

  bool operator==(const EnergyAt&) const = default;
};

// What tokens cost and use at the highest level that meets a target.
struct OperatingPoint {
  LoadPoint point;
  std::optional<double> cost_per_million_output_tokens;
  std::optional<Interval> cost_per_million_output_tokens_ci95;  // between runs
  std::optional<double> cost_per_million_tokens;                // input and output
  std::optional<double> cost_at_utilisation;  // of output tokens; absent: none is stated
  std::string cost_missing = {};  // price_not_stated, price_undated, gpus_not_stated, no_throughput
  std::vector<EnergyAt> energy = {};  // of the GPUs, the node, provisioned

  bool operator==(const OperatingPoint&) const = default;
};

struct UsersAtTarget {
  Target target;
  UsersKind kind = UsersKind::kMeasured;
  int users = 0;  // = c_pass, else 0; read "≥" for kBeyondSweep
  std::optional<int> c_pass, c_fail;
  std::optional<double> c_interpolated;
  std::optional<Interval> c_interpolated_ci95;
  double users_per_gpu = 0;
  bool confirmed = false;                 // both ends, by fresh runs (stats/confirm_users.h)
  std::optional<double> confirmed_error;  // at most: that the bracket misses the truth
  std::optional<OperatingPoint> operating_point;  // absent: no level passes, nothing is stated

  bool operator==(const UsersAtTarget&) const = default;
};

// The same of an open loop's rates, in requests a second.
struct RateAtTarget {
  Target target;
  UsersKind kind = UsersKind::kMeasured;
  double rate_rps = 0;  // = r_pass, else 0; read "≥" for kBeyondSweep
  std::optional<double> r_pass, r_fail;
  std::optional<double> r_interpolated;
  std::optional<Interval> r_interpolated_ci95;
  double rate_per_gpu_rps = 0;
  bool confirmed = false;                 // as of users
  std::optional<double> confirmed_error;  // likewise
  std::optional<OperatingPoint> operating_point;

  bool operator==(const RateAtTarget&) const = default;
};

// One step of `load.profile`, as a level by itself: measured is what is scheduled in it.
struct ProfileStep {
  double from_s = 0;  // after the window's begin
  double to_s = 0;
  double rate_from = 0;  // requests a second, as the spec asks for them
  double rate_to = 0;
  LevelStats level;  // by the name of the whole

  bool operator==(const ProfileStep&) const = default;
};

// The recorded traffic that `load.trace` replays.
struct ReplaySummary {
  std::string file;  // its name
  TraceFormat format = TraceFormat::kMooncake;
  std::string sha256;  // of the file
  double from_s = 0;   // of the trace, where the replay begins
  double span_s = 0;   // of what is replayed, at its own speed
  int64_t requests = 0;
  int64_t sessions = 0;
  double rate_rps = 0;
  double spread_s = 0;
  std::string scaled_by;     // what the levels' numbers are: "share", "copies", "speed" or "rate"
  int64_t block_tokens = 0;  // 0: what prompts share is not told, and they share nothing
  // Of its input tokens, those that an endless prefix cache with blocks of 16 would have; absent:
  // not told.
  std::optional<double> ideal_cached_share;
  // How its sessions' later turns come, and where their time to think is from; both absent where no
  // session has one, and the first in results of before there was a choice, where they are open.
  std::optional<TraceSessions> session_mode;
  std::optional<ThinkSource> think_source;
  std::optional<double> think_cap_s;

  bool operator==(const ReplaySummary&) const = default;
};

// How a search for the most load that keeps the first target has ended.
enum class SearchEnd {
  kOpen,         // it has not
  kConfirmed,    // the highest load that keeps it and the lowest that does not, by fresh runs
  kBelow,        // the least load that was asked for misses it
  kBeyond,       // the most load that was asked for keeps it
  kNotMonotone,  // a load keeps it that is above one that does not
  kUndecided,    // an end stayed open, whatever was run
  kNotJudged,    // a run in it is not valid, or has no such figure
  kBudget,       // it may not go on: what is said is what its runs so far say
};

// One run of a search.
struct SearchStepTaken {
  LoadPoint point;
  int repeat = 0;  // from 0
  bool confirming = false;
  std::optional<double> value_ms;  // of the target's metric and statistic; absent: it has none
  // Of several limits: the largest share of its own that a figure takes.
  std::optional<double> of_limit;
  std::optional<bool> keeps;  // the target; absent: it cannot be judged

  bool operator==(const SearchStepTaken&) const = default;
};

struct SearchResult {
  Target target;
  SearchOver over = SearchOver::kConcurrency;
  double low = 0;  // and high: the loads between which it looked
  double high = 0;
  double width = 0;
  double alpha = 0;  // how often its bracket misses the truth at most, where `end` is kConfirmed
  SearchEnd end = SearchEnd::kOpen;
  std::optional<double> pass, fail;  // the loads of the bracket, as far as it is told
  int runs_pass = 0;                 // fresh ones
  int runs_fail = 0;
  std::vector<SearchStepTaken> path;  // in the order in which they were run

  bool operator==(const SearchResult&) const = default;
};

// How often `run --gate` could decide while runs were added, and what each time may cost.
struct GateLooks {
  int first = 0;  // runs of a level at the first look
  int last = 0;   // at the last that was planned
  // Of the one-sided bounds at each look, first to last; empty: none was planned, as `endless`.
  std::vector<double> levels;
  bool endless = false;  // looked on beyond `last`, as a resume with more repeats does

  bool operator==(const GateLooks&) const = default;
};

// Which of the two sides of a level's run was measured first.
struct PairOrder {
  LoadPoint point;
  int repeat = 0;  // the round
  bool a_first = true;

  bool operator==(const PairOrder&) const = default;
};

// Of a side of `llmsweep versus`: its runs were measured next to those of the other side, level by
// level, and are compared pair by pair.
struct Pairing {
  std::string id;                // of the comparison: both sides have it
  std::string side;              // "a", the baseline, or "b"
  std::vector<PairOrder> order;  // as planned, in the order of the pairs
  // Why its runs cannot be trusted to be those of the pairs; empty: nothing was found. Of no file:
  // who reads a result with its records says so.
  std::string refused;

  bool operator==(const Pairing&) const = default;
};

// Of a result that holds the requests of one of several clients alone.
struct PartOfRun {
  int rank = 0;
  int of = 1;
  std::string start_at;     // UTC, of the first run; empty: there is one client
  double every_s = 0;       // between the begins of two runs
  ClockReading clock = {};  // when the sweep began

  bool operator==(const PartOfRun&) const = default;
};

// One of the clients whose parts `merge` put together.
struct MergedClient {
  int rank = 0;
  std::string host;
  int cores = 0;
  std::string kernel;
  std::string boot_id;

  bool operator==(const MergedClient&) const = default;
};

enum class Source { kMeasured, kImported, kPublished };

struct SweepResult {
  std::string tool;  // "llmsweep 0.1.0", or the tool whose file was imported
  std::string name;
  std::string created_at;
  Source source = Source::kMeasured;
  bool simulated = false;
  std::string stopped_for;   // "load.budget.tokens", "load.budget.time": what ended it; else empty
  bool interrupted = false;  // not whole: cut short, or still being measured
  int planned_runs = 0;      // of levels, as the spec asks; 0: not known
  bool preliminary = false;
  std::string spec_json = "null";  // the resolved spec as JSON; secrets never in it
  std::string model;               // as the server names it; of several the first
  std::vector<ModelShare> models;  // that requests asked for, where there are several
  SystemSpec system;
  std::optional<PriceSpec> prices;  // absent: none is stated
  WorkloadSummary workload;
  Provenance provenance;
  std::optional<ReplaySummary> trace;  // absent: the load is no recorded traffic
  std::optional<SearchResult> search;  // absent: levels were listed
  std::optional<GateLooks> looks;      // absent: no gate decided while it was measured
  std::optional<Pairing> pairing;      // absent: measured by itself
  std::optional<PartOfRun> part;       // absent: all requests of the load are in it
  std::vector<MergedClient> clients;   // by rank; empty: one client measured it
  std::vector<LevelStats> levels;      // ascending by load point
  std::vector<ProfileStep> profile;    // the steps of the one level; empty: the load has none
  std::vector<UsersAtTarget> users_at_target;           // empty: no level is a concurrency
  std::vector<RateAtTarget> rates_at_target;            // empty: no level is a rate
  std::vector<std::pair<std::string, double>> quality;  // benchmark name, score in [0, 1]

  bool operator==(const SweepResult&) const = default;
};

}  // namespace llmsweep

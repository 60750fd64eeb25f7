// A sweep's result: what result.json holds, for measured, simulated, imported and published data.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/model/level.h"
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
  TokenCount output_tokens;
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
  std::string host;
  int cores = 0;
  std::string kernel;
  std::string boot_id;  // of the host's start; empty: not recorded
  std::string libcurl;
  std::string transport;  // that carried the load: "sockets" or "libcurl"; empty: not recorded
  std::string ca_file;    // of the authorities that HTTPS trusted; empty: no HTTPS, or not recorded
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

  bool operator==(const UsersAtTarget&) const = default;
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
  std::string model;               // as the server names it
  SystemSpec system;
  WorkloadSummary workload;
  Provenance provenance;
  std::optional<GateLooks> looks;  // absent: no gate decided while it was measured
  std::vector<LevelStats> levels;  // ascending by load point
  std::vector<UsersAtTarget> users_at_target;
  std::vector<std::pair<std::string, double>> quality;  // benchmark name, score in [0, 1]

  bool operator==(const SweepResult&) const = default;
};

}  // namespace llmsweep

// From request records to the statistics of a run and of a level, as docs/metrics.md defines them.
//
// Pure: the same records give the same numbers, live or read back from requests.jsonl. O(n log n).
//
// Failed measured requests: in the counts, never in a distribution. Their slot was busy, so their
// time counts in the steady throughput, and so do the tokens that they received: both throughputs
// say what the endpoint delivered, goodput says what was of use.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/arrival.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/rate_profile.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// What the records do not say themselves.
struct LevelContext {
  LoadPoint point;  // one that holds no concurrency: no steady throughput by slots
  int gpus = 0;     // 0: unknown, nothing "per GPU"
  bool fillers = true;
  std::span<const Target> goodput;  // per-request; empty: no goodput
  // Texts or documents of each request; 0: the API generates tokens. Else figures of output tokens
  // are absent.
  int64_t inputs = 0;
  std::string_view model = {};  // of the requests that count; empty: all do
};

// Of an open loop's run, or of one step of a profile.
struct OpenInput {
  OpenRun run;
  OpenWindow window;
  double rate_rps = 0;    // nominal, the mean of the window
  double arrival_cv = 1;  // of the gaps
  // Arrivals are of a trace: rate and cv, and what is in flight because more came, are those of the
  // records.
  bool recorded = false;
  bool closed_sessions = false;  // of such a trace: a turn waits for the one before it
  // Of a rate that changes with time: what is in flight follows it, and only what is beyond that
  // grows. Must outlive the call; empty: the rate is constant.
  std::span<const RateStep> profile = {};
  Duration profile_from{};  // after the run's start
  Duration begins{};        // the load, after the run's start: of a step the step
};

// Of users with sessions.
struct SessionInput {
  int64_t start_ns = 0;  // of the run, CLOCK_MONOTONIC
  OpenWindow window;
};

struct RunInput {
  std::span<const RequestRecord> records;  // all phases of one run, any order
  int repeat = 0;                          // from 0
  LevelContext level;
  // What only the client knows. What the records say (slot gaps, send lateness, chunks and their
  // coalescing, tokens per chunk, reconnects) is filled in here and overwrites what is given.
  ClientHealth client;
  std::optional<OpenInput> open;  // absent: a closed loop
  std::optional<SessionInput> sessions = {};
};

// `valid`, reasons and warnings are judge_run()'s to fill.
RunStats run_stats(const RunInput& input);

// `runs` already judged; `records` are those of all of them. Latency distributions pool the
// completed measured requests, rates are geometric means of the runs', counts are sums, client
// health is the worst run's figure by figure. Invalid where a run is, with the union of reasons.
LevelStats pool_runs(const LevelContext& level, std::vector<RunStats> runs,
                     std::span<const RequestRecord> records);

// Of several clients at once, or of one in several runs: the worst of each figure, counts added up.
ClientHealth pool_clients(std::span<const ClientHealth> clients);

// One request's figures; absent where an instant is missing. Also for request tables and goodput.
struct RequestMetrics {
  std::optional<double> e2e_ms, ttft_ms, ttfo_ms, tpot_ms;
  std::optional<double> output_speed_tps;  // output_tokens ÷ E2E
};
RequestMetrics request_metrics(const RequestRecord& record,
                               LatencyOrigin origin = LatencyOrigin::kSent);

}  // namespace llmsweep

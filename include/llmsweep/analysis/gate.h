// A policy's rules decided on a result: PASS, FAIL, INCONCLUSIVE or INVALID, one line a rule.
//
// Rules as text, the same in a policy file and in a flag:
//   require    e2e:p50@c8 <= 15s           throughput@c1,c8 >= 800 tolerance 2%
//              error_rate@all <= 1%        users_per_gpu@e2e:p50:15s >= 2
//              users@ttft:p95:2s+decode_speed:p95:30 >= 8      rate_per_gpu@e2e:p95:15s >= 1.5
//              quality:GPQA Diamond >= 0.83
//   no worse   e2e:p50@c8 by 3%            users_per_gpu@e2e:p50:15s by 0%
// Latencies take units (15s, 200ms), shares and scores a % or a fraction; throughputs are tokens/s
// (request_throughput, goodput_rps: requests/s).
//
// Decisions, for "at most T" with tolerance d; "at least" is its mirror. L and U are the one-sided
// 95 % bounds of the figure, Student's t on the logs of the runs' values:
//   PASS          U <= T(1+d)
//   FAIL          L > T(1+d)
//   INCONCLUSIVE  else: more repeats would tell
//   INVALID       the figure, the level or its samples are missing, or the level is invalid
// "No worse" is the same for candidate ÷ baseline and T = 1 (Welch). Where no-worse rules stand for
// more than three levels in all they hunt: a FAIL among them must survive Holm's correction.
// Where `run --gate` looked while runs were added (SweepResult::looks) the bounds at each number of
// runs have the level that the plan spends there (stats/spending.h): 5 % over all looks.
// A baseline of another session (an hour, a boot or a host away) adds the policy's session noise to
// the ratio's error; of three or more the session is the unit: Student's t on the sessions' logs.
// One run has no between-run interval: its within-run interval is widened by an assumed
// run-to-run noise, and the line says so. Error rates and quality scores are decided by the value
// itself, they count what happened; the tolerance of shares and scores is in points, not relative.
// Users, requests a second: PASS where a level that carries them passes the latency rule, FAIL
// where a level that carries no more fails it. See docs/ci.md.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/config.h"
#include "llmsweep/model/exit_code.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

enum class GateOutcome { kPass, kFail, kInconclusive, kInvalid };
std::string_view name_of(GateOutcome outcome);  // PASS, FAIL, INCONCLUSIVE, INVALID

enum class Comparator { kAtMost, kAtLeast };

struct GateRule {
  std::string name;  // empty: the text stands for it
  std::string text;  // as written, the tolerance included
  Measure measure;
  Target users_target;            // of users, users_per_gpu, rate and rate_per_gpu
  std::string tier;               // in its place the name of a target of the result; may be empty
  std::string benchmark;          // of quality
  std::vector<LoadPoint> levels;  // empty: not per level, or all of them
  bool all_levels = false;
  bool no_worse = false;  // than the baseline
  Comparator comparator = Comparator::kAtMost;
  double target = 0;     // ms, tokens/s, requests/s, share, users, score; not for no_worse
  double tolerance = 0;  // share
};

enum class InconclusiveIs { kInconclusive, kPass, kFail };

struct GatePolicy {
  std::vector<GateRule> rules;
  InconclusiveIs inconclusive_is = InconclusiveIs::kInconclusive;
  std::vector<std::string> allow_different;  // as ComparisonOptions
  double assumed_noise = 0.02;  // run-to-run, relative, of a median where only one run exists
  double session_noise = 0.01;  // between sessions of measurement, where less than three show it
};

// What a rule can name: every quantity that has a better side.
std::vector<std::string> gate_quantities();

// Error with what is right where the text is not a rule.
GateRule parse_require(std::string_view text);
GateRule parse_no_worse(std::string_view text);
// Keys: rules (list of {require | no_worse, name, tolerance}), inconclusive_is, allow_different,
// assumed_noise, session_noise. No rules: Error.
GatePolicy read_policy(const ConfigNode& node);
GatePolicy read_policy_file(const std::filesystem::path& path);

struct GateLine {
  std::string rule;  // its text, with the level where a rule stands for several
  std::string name;
  GateOutcome outcome = GateOutcome::kInvalid;
  std::string unit;  // ms, tokens/s, requests/s, users, share, score, ratio
  std::optional<double> measured;
  std::optional<double> baseline;   // no_worse: the baseline's value
  std::optional<double> candidate;  // no_worse: the candidate's value
  std::optional<Interval> bounds;   // one-sided each, 95 % or what the look may spend
  double target = 0;
  double limit = 0;              // target with tolerance
  std::optional<double> margin;  // share of the limit that is left; negative: over it
  int repeats = 0;
  double seconds = 0;  // that the runs of its level took, of all levels where it is of no one
  LoadPoint point;     // not known: not of one level
  std::string basis;   // how it was decided: "3 repeats, t on log run medians"
  std::string why;
  std::string next;                // what to do; empty for PASS
  bool more_repeats_help = false;  // INCONCLUSIVE, and repeats of `point` could settle it
};

struct GateReport {
  std::string result_name;
  std::string baseline_name;       // empty: none
  std::vector<std::string> marks;  // SIMULATED, …: what a reader must know
  std::vector<std::string> notes;  // the same in sentences: of unlike requests, levels, baseline
  std::vector<GateLine> lines;
  double seconds = 0;                // that all runs of the result took
  std::vector<ErrorCount> failures;  // why the result's requests failed, the most frequent first
  // The worst: FAIL before INVALID before INCONCLUSIVE before PASS.
  GateOutcome outcome = GateOutcome::kInvalid;
  InconclusiveIs inconclusive_is = InconclusiveIs::kInconclusive;
};

// `baseline` may be null; then a no-worse rule is INVALID. A policy without rules, or a baseline
// that is the same measurement as the result: Error.
GateReport gate(const SweepResult& result, const SweepResult* baseline, const GatePolicy& policy);
// Several baselines, each a session of measurement of its own (else Error): three or more measure
// the noise between sessions, and the result is one more of them. None: as a null baseline.
GateReport gate(const SweepResult& result, std::span<const SweepResult> baselines,
                const GatePolicy& policy);

// kExitOk or one of kExitGate…, with `inconclusive_is` applied.
ExitCode gate_exit_code(const GateReport& report);

// The levels whose next repeat could settle an inconclusive rule; ascending.
std::vector<LoadPoint> levels_needing_repeats(const GateReport& report);

}  // namespace llmsweep

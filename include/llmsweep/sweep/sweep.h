// A sweep: every level, as often as the spec asks, saved after every request and every run.
//
// Repeats are the outer loop: each round visits all levels, upwards and downwards in turns, so that
// a drift of the system shows up as the between-run noise that it is, and an interrupted sweep has
// whole rounds.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/interrupt.h"
#include "llmsweep/model/level_progress.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/selftest_result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/part_plan.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

// What a sweep tells while it runs. Called on the thread that runs the sweep.
class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual void note(const std::string& line) = 0;  // warnings and other facts, one line each
  virtual void planned(const PlannedLoad&) {}      // once, before the first run
  virtual void progress(const LevelProgress& progress, Instant now) = 0;
  // After each run of a level; `level` has all of its runs so far.
  virtual void run_finished(const LevelStats& level) = 0;
};

// The levels of which one more run would help, asked when the planned runs are done and again after
// each round of added ones. A level with load.repeats_max runs gets no more. Empty: none.
using RepeatsWanted = std::function<std::vector<LoadPoint>(const SweepResult&)>;

struct SweepOptions {
  RepeatsWanted repeats_wanted;
  // Of the gate that decides on this sweep; kept in the head of its journal. A resume keeps the
  // plan that it began with and, where it may add more repeats, goes on looking without an end.
  std::optional<GateLooks> looks;
  // Of a side of `llmsweep versus`, whose runs take turns with the other side's; kept in the head
  // of its journal.
  std::optional<Pairing> pairing;
  // Of one of several clients (docs/scale.md); absent: there is one.
  std::optional<PartPlan> part;
  Patience patience;  // of the check before the first run
  // What a check of the spec's endpoint has found just now; absent: the sweep checks it.
  std::optional<Preflight> preflight;
  std::string command;  // that asked for it, without credentials; kept in the result
};

struct SweepOutcome {
  SweepResult result;
  bool stopped = false;        // by a signal
  bool budget_spent = false;   // load.budget: the rest of the runs was not begun
  bool endpoint_lost = false;  // the last run was given up: nothing completed any more
  // Ended early because a file could not be written, and why. `result` still has all that was
  // measured; the files may lack the last of it.
  std::string storage_error;
};

// Writes `folder`/requests.jsonl, result.json and, where the spec asks, chunks.bin while it runs.
// Throws MeasurementError where the endpoint or the folder made it impossible to start, and
// InterruptedError where it was interrupted before that.
SweepOutcome run_sweep(const SweepSpec& spec, const std::filesystem::path& folder,
                       const Interrupts& interrupts, SweepObserver& observer,
                       const SweepOptions& options = {});

}  // namespace llmsweep

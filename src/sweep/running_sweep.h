// A sweep under way: what `run_sweep` and one side of `versus` have in common. Its levels, its
// folder and its result in sweep.cc; what decides for itself what comes next, in sweep_search.cc.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/redactor.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/preflight.h"
#include "llmsweep/sweep/sweep.h"
#include "sweep/budget.h"
#include "sweep/level_runner.h"
#include "sweep/record_writer.h"
#include "sweep/stepped_sweep.h"
#include "sweep/sweep_store.h"
#include "sweep/telemetry_recorder.h"

namespace llmsweep {

class SteppedSweep::Sweep {
 public:
  Sweep(const SweepSpec& spec, const std::filesystem::path& folder, const Interrupts& interrupts,
        SweepObserver& observer, const SweepOptions& options);
  SweepOutcome run();
  SweepStore& store() { return store_; }
  const SweepResult& described() const { return outcome_.result; }
  // Asks the endpoint and makes the first prompts; of the folder only what a resume begins with is
  // written.
  void check_endpoint_and_prompts();
  void open();
  // False: the sweep is over.
  bool run_one(const RunId& id, int64_t first_prompt);
  bool is_open() const { return runner_.has_value(); }
  SweepOutcome end(bool whole);
  SweepOutcome already_complete();

 private:
  SweepResult& result() { return outcome_.result; }
  Part part() const { return options_.part ? options_.part->part : Part{}; }
  Preflight check(const Connection& connection);
  // That of the sweep that is gone on with, so that its prompts stay what they were.
  const std::string& nonce();
  void describe(const Preflight& preflight, std::vector<std::string> notes);
  PromptSource make_prompts(const Preflight& preflight);
  std::string fingerprint(const PromptSource& prompts) const;
  bool goes_on_with_others(const PromptSource& prompts) const;
  void describe_prompts(const PromptSource& prompts);
  void run_listed_levels(LevelRunner& runner);
  // Runs what the search asks for next, until it has its answer. A resume finds the same place: it
  // follows from the runs that there are.
  void search(LevelRunner& runner);
  int fresh_runs_of(LoadPoint point) const;
  // A run that says nothing of the server, as where the client was slow, is made again, twice at
  // most: else one of many would end the search.
  void run_until_judged(LevelRunner& runner, const RunId& id);
  bool is_judged(const RunId& id) const;
  void set_aside(const RunId& id);
  void run_level(LevelRunner& runner, const RunId& id);
  int number_of(const RunId& id) const;  // in the order of listed levels, from 0
  std::optional<PartOfRun> described_part() const;
  RunPosition position_of(const RunId& id) const;
  // As RunPosition says; absent also where runs may be added that nobody has planned yet.
  std::optional<Duration> time_of_runs_after(const RunId& id) const;
  bool stop_for_budget(const RunId& id);
  void stop();
  // Bisects the bracket of users at the first target until it is narrow enough, then confirms both
  // of its ends by fresh runs.
  void refine(LevelRunner& runner);
  // One more run of each level that wants one, round by round.
  void add_repeats(LevelRunner& runner);
  int runs_of(LoadPoint point) const;
  // Where the records of earlier runs are gone the level stands as it was.
  void summarise(LoadPoint point);
  // What a resumed sweep keeps.
  void summarise_what_is_there();
  // A run that was given up is no end: a resume starts it again.
  void finish();
  void save_what_is_measured();
  void save();

  SweepSpec spec_;
  std::filesystem::path folder_;
  const Interrupts& interrupts_;
  SweepObserver& observer_;
  SweepOptions options_;
  SweepStore store_;
  std::optional<std::string> nonce_;
  SweepOutcome outcome_;
  SteadyClock clock_;
  std::optional<OpenEndpoint> endpoint_;
  Preflight preflight_;
  std::optional<PromptSource> prompts_;
  std::optional<RecordWriter> writer_;
  std::optional<Redactor> secrets_;
  std::optional<TelemetryRecorder> telemetry_;
  std::optional<LevelRunner> runner_;
  int64_t first_prompt_ = 0;  // as SweepStore::start() takes it
  std::optional<Budget> budget_;
  std::map<LoadPoint, Duration> took_;  // the last run of each level, its prompts included
  bool over_ = false;
};

}  // namespace llmsweep

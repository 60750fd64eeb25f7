#include "llmsweep/sweep/sweep.h"

#include <malloc.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/version.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/stats/confirm_users.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/budget.h"
#include "sweep/level_runner.h"
#include "sweep/provenance.h"
#include "sweep/record_writer.h"
#include "sweep/summary.h"
#include "sweep/sweep_store.h"

namespace llmsweep {
namespace {

// The prompt set is named by its first prompts, so that sweeps with other levels or repeats of the
// same workload have the same name for it.
constexpr int64_t kFingerprintPrompts = 64;

bool is_completed(const RequestRecord& record) {
  return record.phase == Phase::kMeasured && record.outcome == Outcome::kOk;
}

// As the spec lists them in the first, third, … repeat, the other way round in the others: what
// changes inside a round then meets each level early as often as late.
std::vector<LoadPoint> levels_of_round(const LoadSpec& load, int repeat) {
  std::vector<LoadPoint> points = load_points(load);
  if (repeat % 2 == 1) std::reverse(points.begin(), points.end());
  return points;
}

class Sweep {
 public:
  Sweep(const SweepSpec& spec, const std::filesystem::path& folder, const Interrupts& interrupts,
        SweepObserver& observer, const SweepOptions& options)
      : spec_(spec),
        folder_(folder),
        interrupts_(interrupts),
        observer_(observer),
        options_(options),
        store_(folder) {}

  SweepOutcome run() {
    if (store_.resumed()) store_.check_same_spec(spec_);
    if (store_.was_complete() && !options_.repeats_wanted) return already_complete();
    store_.begin();

    std::vector<std::string> notes;
    const OpenEndpoint endpoint(spec_.endpoint, notes, folder_ / "truth.jsonl");
    result().simulated = endpoint.simulated();
    Preflight preflight = options_.preflight ? *options_.preflight : check(endpoint.connection());
    describe(preflight, std::move(notes));
    observer_.planned(planned_load(spec_, preflight));

    PromptSource prompts = make_prompts(preflight);
    if (goes_on_with_others(prompts) && preflight.tokenizer == nullptr) {
      preflight.bytes_per_token = preflight.bytes_per_token_of_probes;
      prompts = make_prompts(preflight);
    }
    describe_prompts(prompts);

    store_.open(spec_, result());
    for (const std::string& line : result().provenance.notes) observer_.note(line);
    summarise_what_is_there();
    save();
    RecordWriter writer(folder_, spec_.client.record_chunks);
    const Connection& connection = endpoint.connection();
    LevelRunner runner(spec_, preflight, make_load_clients(spec_, preflight, connection),
                       Redactor(secrets_of(spec_, connection)), prompts, writer, interrupts_,
                       observer_);
    budget_.emplace(spec_, request_time_alone(spec_, preflight), clock_.now());
    for (int repeat = 0; repeat < spec_.load.repeats && !over_; ++repeat) {
      for (const LoadPoint point : levels_of_round(spec_.load, repeat)) {
        if (!over_) run_level(runner, {point, repeat});
      }
    }
    if (spec_.load.refine) refine(runner);
    if (options_.repeats_wanted) add_repeats(runner);
    if (!over_) finish();
    return std::move(outcome_);
  }

 private:
  SweepResult& result() { return outcome_.result; }

  Preflight check(const Connection& connection) {
    return check_endpoint(spec_, connection,
                          {.contact = {},
                           .interrupts = &interrupts_,
                           .patience = options_.patience,
                           .tell = [&](const std::string& line) { observer_.note(line); }});
  }

  // That of the sweep that is gone on with, so that its prompts stay what they were.
  const std::string& nonce() {
    if (!nonce_) {
      const bool drawn = spec_.workload.nonce == kAutoNonce;
      nonce_ = store_.resumed() ? store_.head().workload.nonce
               : drawn          ? draw_id()
                                : spec_.workload.nonce;
    }
    return *nonce_;
  }

  void describe(const Preflight& preflight, std::vector<std::string> notes) {
    SweepResult& described = result();
    described.tool = std::string("llmsweep ") + version();
    described.name = spec_.name;
    described.created_at = utc_timestamp();
    described.interrupted = true;  // until the last run has ended
    described.planned_runs = static_cast<int>(load_points(spec_.load).size()) * spec_.load.repeats;
    described.spec_json = spec_to_json(spec_);
    described.model = preflight.model;
    described.system = spec_.system;
    described.looks = options_.looks;
    described.provenance = preflight.provenance;
    described.simulated |= is_simulator(preflight.provenance);
    describe_host(described.provenance);
    described.provenance.notes.insert(described.provenance.notes.begin(), notes.begin(),
                                      notes.end());
    WorkloadSummary& workload = described.workload;
    workload.input_tokens = spec_.workload.input_tokens;
    workload.input_scope = spec_.workload.input_scope;
    workload.output_tokens = spec_.workload.output_tokens;
    workload.seed = spec_.workload.seed;
    workload.nonce = nonce();
    workload.template_overhead_tokens = preflight.overhead_tokens;
    if (preflight.tokenizer != nullptr) {
      workload.tokenizer_path = preflight.tokenizer->info().path;
      workload.tokenizer_sha256 = preflight.tokenizer->info().sha256;
      workload.tokenizer_vocabulary = preflight.tokenizer->info().vocabulary;
    }
  }

  PromptSource make_prompts(const Preflight& preflight) {
    PromptPlan plan = prompt_plan(spec_, preflight, nonce());
    plan.interrupts = &interrupts_;
    return {std::move(plan), preflight.tokenizer};
  }

  bool goes_on_with_others(const PromptSource& prompts) const {
    return store_.resumed() &&
           store_.head().workload.prompt_set_sha256 != prompts.fingerprint(kFingerprintPrompts);
  }

  void describe_prompts(const PromptSource& prompts) {
    const DatasetSummary& dataset = prompts.dataset();
    result().workload.dataset = dataset.name;
    result().workload.dataset_records_skipped = dataset.skipped;
    result().workload.prompt_set_sha256 = prompts.fingerprint(kFingerprintPrompts);
    for (const std::string& reason : dataset.skip_reasons) {
      observer_.note("dataset: skipped " + reason);
    }
    for (const std::string& line : dataset.notes) observer_.note("dataset: " + line);
  }

  void run_level(LevelRunner& runner, const RunId& id) {
    if (store_.has(id)) return;
    if (interrupts_ > 0) {
      stop();
      return;
    }
    if (stop_for_budget(id)) return;
    RunEntry entry;
    try {
      entry = store_.start(id, runner.prompts_of(id.point));
    } catch (const MeasurementError& error) {
      outcome_.storage_error = error.what();
      over_ = true;
      return;
    }
    LevelRun run;
    const Instant started = clock_.now();
    try {
      run = runner.run(position_of(id), entry.first_prompt);
    } catch (const InterruptedError&) {  // while its prompts were made: nothing had been sent
      stop();
      return;
    }
    took_[id.point] = clock_.now() - started;
    budget_->add(id.point, run.records, took_[id.point]);
    entry.interrupted = interrupts_.load() > 0;
    entry.gave_up = run.gave_up;
    entry.client = run.client;
    outcome_.stopped |= entry.interrupted;
    outcome_.storage_error = run.storage_error;
    const bool any = std::any_of(run.records.begin(), run.records.end(), is_completed);
    store_.end(std::move(entry), std::move(run.records), outcome_.storage_error);
    summarise(id.point);
    outcome_.endpoint_lost = run.gave_up && !run.over_budget;
    save_what_is_measured();
    over_ = outcome_.stopped || (run.gave_up && !any) || !outcome_.storage_error.empty();
    for (const LevelStats& level : result().levels) {
      if (level.point == id.point) observer_.run_finished(level);
    }
    if (run.over_budget) {
      observer_.note(text_of(id.point) +
                     " was given up: it cannot keep load.max_error_rate any more");
    } else if (run.gave_up) {
      observer_.note(text_of(id.point) + " was given up after " +
                     std::to_string(spec_.load.max_consecutive_errors) +
                     " errors in a row (load.max_consecutive_errors)");
    }
    // The threads of the next level may take other arenas of the allocator: what each of them keeps
    // of the largest level that it has seen would add up.
    malloc_trim(0);
  }

  RunPosition position_of(const RunId& id) const {
    const std::vector<LoadPoint> points = levels_of_round(spec_.load, id.repeat);
    const auto at = std::find(points.begin(), points.end(), id.point);
    const LoadSpec& load = spec_.load;
    return {.run = id,
            .repeats =
                id.repeat < load.repeats ? load.repeats : std::max(load.repeats_max, id.repeat + 1),
            .nth = static_cast<int>(at - points.begin()),
            .levels = static_cast<int>(points.size()),
            .runs_after = time_of_runs_after(id),
            .simulated = outcome_.result.simulated};
  }

  // As RunPosition says; absent also where runs may be added that nobody has planned yet.
  std::optional<Duration> time_of_runs_after(const RunId& id) const {
    if (spec_.load.refine || options_.repeats_wanted) return std::nullopt;
    Duration time{};
    bool after = false;
    for (int repeat = 0; repeat < spec_.load.repeats; ++repeat) {
      for (const LoadPoint point : levels_of_round(spec_.load, repeat)) {
        const RunId other{point, repeat};
        const bool counts = after && !store_.has(other);
        after |= other == id;
        if (!counts) continue;
        const auto took = took_.find(point);
        if (took == took_.end()) return std::nullopt;
        time += took->second;
      }
    }
    return time;
  }

  bool stop_for_budget(const RunId& id) {
    const std::string why = budget_->exceeded_by(id.point, clock_.now());
    if (why.empty()) return false;
    observer_.note(text_of(id) + " would exceed " + why +
                   ": the sweep ends here; a resume goes on, with a budget of its own");
    result().stopped_for = why;
    outcome_.budget_spent = true;
    over_ = true;
    save_what_is_measured();
    if (!outcome_.storage_error.empty()) return true;
    try {
      store_.stopped(why);
    } catch (const Error& error) {
      outcome_.storage_error = error.what();
    }
    return true;
  }

  void stop() {
    outcome_.stopped = true;
    over_ = true;
  }

  // Bisects the bracket of users at the first target until it is narrow enough, then confirms both
  // of its ends by fresh runs.
  void refine(LevelRunner& runner) {
    while (!over_ && !spec_.targets.empty()) {
      const auto step = next_refine_step(result().levels, spec_.targets.front());
      if (!step) return;
      if (step->confirming) {
        run_level(runner, {step->point, std::max(runs_of(step->point), spec_.load.repeats)});
        continue;
      }
      spec_.load.concurrency.push_back(step->point.concurrency());
      for (int repeat = 0; repeat < spec_.load.repeats && !over_; ++repeat) {
        run_level(runner, {step->point, repeat});
      }
    }
  }

  // One more run of each level that wants one, round by round.
  void add_repeats(LevelRunner& runner) {
    bool added = true;
    int rounds = spec_.load.repeats;
    while (added && !over_) {
      added = false;
      std::vector<LoadPoint> points = options_.repeats_wanted(result());
      if (rounds++ % 2 == 1) std::reverse(points.begin(), points.end());
      for (const LoadPoint point : points) {
        const int had = runs_of(point);
        if (over_ || had == 0 || had >= spec_.load.repeats_max) continue;
        run_level(runner, {point, had});
        added = true;
      }
    }
  }

  int runs_of(LoadPoint point) const {
    return static_cast<int>(
        std::count_if(store_.runs().begin(), store_.runs().end(),
                      [&](const RunEntry& run) { return run.id.point == point; }));
  }

  // Where the records of earlier runs are gone the level stands as it was.
  void summarise(LoadPoint point) {
    try {
      put_level(result(), spec_, summarise_level(spec_, point, store_.runs(), store_.records()));
    } catch (const Error& error) {
      if (outcome_.storage_error.empty()) outcome_.storage_error = error.what();
    }
  }

  // What a resumed sweep keeps.
  void summarise_what_is_there() {
    std::set<LoadPoint> points;
    for (const RunEntry& run : store_.runs()) points.insert(run.id.point);
    for (const LoadPoint point : points) summarise(point);
  }

  SweepOutcome already_complete() {
    observer_.note("every run of this sweep had ended: nothing is left to measure");
    result() = store_.head();
    result().name = spec_.name;
    result().spec_json = spec_to_json(spec_);
    result().interrupted = false;
    summarise_what_is_there();
    save();
    return std::move(outcome_);
  }

  // A run that was given up is no end: a resume starts it again.
  void finish() {
    const bool whole = std::all_of(store_.runs().begin(), store_.runs().end(),
                                   [](const RunEntry& run) { return run.whole(); });
    result().interrupted = !whole;
    save_what_is_measured();
    if (whole && outcome_.storage_error.empty()) store_.complete();
  }

  void save_what_is_measured() {
    try {
      save();
    } catch (const MeasurementError& error) {
      outcome_.storage_error = error.what();
    }
  }

  void save() { write_result(folder_ / "result.json", result()); }

  SweepSpec spec_;
  std::filesystem::path folder_;
  const Interrupts& interrupts_;
  SweepObserver& observer_;
  const SweepOptions& options_;
  SweepStore store_;
  std::optional<std::string> nonce_;
  SweepOutcome outcome_;
  SteadyClock clock_;
  std::optional<Budget> budget_;
  std::map<LoadPoint, Duration> took_;  // the last run of each level, its prompts included
  bool over_ = false;
};

}  // namespace

SweepOutcome run_sweep(const SweepSpec& spec, const std::filesystem::path& folder,
                       const Interrupts& interrupts, SweepObserver& observer,
                       const SweepOptions& options) {
  ensure_descriptors(static_cast<size_t>(most_streams(spec)),
                     spec.endpoint.simulator.empty() ? 1 : 2);
  return Sweep(spec, folder, interrupts, observer, options).run();
}

}  // namespace llmsweep

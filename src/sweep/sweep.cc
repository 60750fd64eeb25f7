#include "llmsweep/sweep/sweep.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/version.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/refine.h"
#include "llmsweep/stats/users_at_target.h"
#include "llmsweep/stats/validity.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/level_runner.h"
#include "sweep/provenance.h"
#include "sweep/record_writer.h"

namespace llmsweep {
namespace {

// The prompt set is named by its first prompts, so that sweeps with other levels or repeats of the
// same workload have the same name for it.
constexpr int64_t kFingerprintPrompts = 64;

struct LevelData {
  std::vector<RunStats> runs;
  std::vector<RequestRecord> records;  // of all runs
};

class Sweep {
 public:
  Sweep(const SweepSpec& spec, const std::filesystem::path& folder, const Interrupts& interrupts,
        SweepObserver& observer, const RepeatsWanted& repeats_wanted)
      : spec_(spec),
        folder_(folder),
        interrupts_(interrupts),
        observer_(observer),
        repeats_wanted_(repeats_wanted) {}

  SweepOutcome run() {
    std::vector<std::string> notes;
    const OpenEndpoint endpoint(spec_.endpoint, notes);
    result().simulated = endpoint.simulated();
    const Preflight preflight = check_endpoint(spec_, endpoint.connection());
    describe(preflight, std::move(notes));
    observer_.planned(planned_load(spec_, preflight));

    const PromptSource prompts(prompt_plan(spec_, preflight), preflight.tokenizer);
    describe_prompts(prompts);

    save();
    RecordWriter writer(folder_, spec_.client.record_chunks);
    LevelRunner runner(spec_, preflight, endpoint.connection(), prompts, writer, interrupts_,
                       observer_);
    for (int repeat = 1; repeat <= spec_.load.repeats && !over_; ++repeat) {
      for (const int concurrency : spec_.load.concurrency) {
        if (!over_) run_level(runner, concurrency, repeat);
      }
    }
    if (spec_.load.refine) refine(runner);
    if (repeats_wanted_) add_repeats(runner);
    return std::move(outcome_);
  }

 private:
  SweepResult& result() { return outcome_.result; }

  void describe(const Preflight& preflight, std::vector<std::string> notes) {
    SweepResult& described = result();
    described.tool = std::string("llmsweep ") + version();
    described.name = spec_.name;
    described.created_at = utc_timestamp();
    described.spec_json = spec_to_json(spec_);
    described.model = preflight.model;
    described.system = spec_.system;
    described.provenance = preflight.provenance;
    describe_host(described.provenance);
    described.provenance.notes.insert(described.provenance.notes.begin(), notes.begin(),
                                      notes.end());
    for (const std::string& line : described.provenance.notes) observer_.note(line);
    WorkloadSummary& workload = described.workload;
    workload.input_tokens = spec_.workload.input_tokens;
    workload.input_scope = spec_.workload.input_scope;
    workload.output_tokens = spec_.workload.output_tokens;
    workload.seed = spec_.workload.seed;
    workload.template_overhead_tokens = preflight.overhead_tokens;
    if (preflight.tokenizer != nullptr) {
      workload.tokenizer_path = preflight.tokenizer->info().path;
      workload.tokenizer_sha256 = preflight.tokenizer->info().sha256;
      workload.tokenizer_vocabulary = preflight.tokenizer->info().vocabulary;
    }
  }

  void describe_prompts(const PromptSource& prompts) {
    const DatasetSummary& dataset = prompts.dataset();
    result().workload.dataset = dataset.name;
    result().workload.dataset_records_skipped = dataset.skipped;
    result().workload.prompt_set_sha256 = prompts.build(0, kFingerprintPrompts).sha256;
    for (const std::string& reason : dataset.skip_reasons) {
      observer_.note("dataset: skipped " + reason);
    }
  }

  void run_level(LevelRunner& runner, int concurrency, int repeat) {
    const auto& planned = spec_.load.concurrency;
    const auto at = std::find(planned.begin(), planned.end(), concurrency);
    LevelRun run = runner.run(
        {.concurrency = concurrency,
         .level = static_cast<int>(at - planned.begin()) + 1,
         .levels = static_cast<int>(planned.size()),
         .repeat = repeat,
         .repeats = repeat > spec_.load.repeats ? spec_.load.repeats_max : spec_.load.repeats,
         .simulated = result().simulated});
    LevelData& data = levels_[concurrency];
    data.runs.push_back(run.stats);
    std::move(run.records.begin(), run.records.end(), std::back_inserter(data.records));
    result().interrupted |= interrupts_.load() > 0;
    outcome_.endpoint_lost = run.gave_up && run.stats.requests.completed == 0;
    summarise();
    outcome_.storage_error = run.storage_error;
    save_what_is_measured();
    over_ = result().interrupted || outcome_.endpoint_lost || !outcome_.storage_error.empty();
    for (const LevelStats& level : result().levels) {
      if (level.concurrency == concurrency) observer_.run_finished(level);
    }
    if (run.gave_up) {
      observer_.note("concurrency " + std::to_string(concurrency) + " was given up after " +
                     std::to_string(spec_.load.max_consecutive_errors) +
                     " errors in a row (load.max_consecutive_errors)");
    }
  }

  // Bisects the bracket of users at the first target until it is narrow enough.
  void refine(LevelRunner& runner) {
    while (!over_ && !spec_.targets.empty()) {
      const std::optional<int> next = next_level(result().levels, spec_.targets.front());
      if (!next) return;
      spec_.load.concurrency.push_back(*next);
      for (int repeat = 1; repeat <= spec_.load.repeats && !over_; ++repeat) {
        run_level(runner, *next, repeat);
      }
    }
  }

  // One more run of each level that wants one, round by round.
  void add_repeats(LevelRunner& runner) {
    bool added = true;
    while (added && !over_) {
      added = false;
      for (const int concurrency : repeats_wanted_(result())) {
        const auto level = levels_.find(concurrency);
        const int had = level == levels_.end() ? 0 : static_cast<int>(level->second.runs.size());
        if (over_ || had == 0 || had >= spec_.load.repeats_max) continue;
        run_level(runner, concurrency, had + 1);
        added = true;
      }
    }
  }

  void summarise() {
    result().levels.clear();
    for (const auto& [concurrency, data] : levels_) {
      const LevelContext context{.concurrency = concurrency,
                                 .gpus = spec_.system.gpus,
                                 .fillers = spec_.load.fillers,
                                 .goodput = spec_.goodput};
      LevelStats level = pool_runs(context, data.runs, data.records);
      judge_level(level, {.concurrency = concurrency, .targets = spec_.targets});
      result().levels.push_back(std::move(level));
    }
    result().users_at_target.clear();
    for (const Target& target : spec_.targets) {
      result().users_at_target.push_back(
          users_at_target(result().levels, target, spec_.system.gpus));
    }
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
  const RepeatsWanted& repeats_wanted_;
  std::map<int, LevelData> levels_;
  SweepOutcome outcome_;
  bool over_ = false;
};

}  // namespace

SweepOutcome run_sweep(const SweepSpec& spec, const std::filesystem::path& folder,
                       const Interrupts& interrupts, SweepObserver& observer,
                       const RepeatsWanted& repeats_wanted) {
  return Sweep(spec, folder, interrupts, observer, repeats_wanted).run();
}

}  // namespace llmsweep

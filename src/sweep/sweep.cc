#include "llmsweep/sweep/sweep.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/version.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/provenance.h"
#include "sweep/running_sweep.h"
#include "sweep/summary.h"
#include "sweep/trace_shapes.h"

namespace llmsweep {
namespace {

// The prompt set is named by its first prompts, so that sweeps with other levels or repeats of the
// same workload have the same name for it.
constexpr int64_t kFingerprintPrompts = 64;

bool is_completed(const RequestRecord& record) {
  return record.phase == Phase::kMeasured && record.outcome == Outcome::kOk;
}

std::string scaled_by(const TraceSpec& trace) {
  if (!trace.copies.empty()) return "copies";
  if (!trace.speed.empty()) return "speed";
  return trace.rate.empty() ? "share" : "rate";
}

// As a result says them: mean and standard deviation.
TokenCount spread_of(const TokenCount& weighted) {
  const double mean = std::round(mean_tokens(weighted));
  double squares = 0;
  double weights = 0;
  for (const auto& [tokens, weight] : weighted.weighted) {
    const double off = static_cast<double>(tokens) - mean;
    squares += weight * off * off;
    weights += weight;
  }
  return {.kind = TokenCount::Kind::kNormal,
          .mean = mean,
          .stddev = std::round(std::sqrt(squares / weights))};
}

ReplaySummary describe_replay(const TraceSpec& spec) {
  const ReplayTrace& replay = *spec.replay;
  ReplaySummary summary{.file = std::filesystem::path(spec.file).filename().string(),
                        .format = replay.trace.format,
                        .sha256 = replay.sha256,
                        .from_s = to_seconds(spec.from),
                        .span_s = to_seconds(replay.span),
                        .requests = static_cast<int64_t>(replay.trace.requests.size()),
                        .sessions = replay.sessions,
                        .rate_rps = replay.rate_rps(),
                        .spread_s = to_seconds(spec.spread),
                        .scaled_by = scaled_by(spec),
                        .block_tokens = replay.trace.block_tokens};
  if (replay.ideal_cached_share >= 0) summary.ideal_cached_share = replay.ideal_cached_share;
  if (!replay.think_source) return summary;
  summary.session_mode = spec.sessions;
  if (spec.turns_wait()) summary.think_source = replay.think_source;
  if (spec.think_cap) summary.think_cap_s = to_seconds(*spec.think_cap);
  return summary;
}

}  // namespace

std::vector<LoadPoint> levels_of_round(const LoadSpec& load, int repeat) {
  std::vector<LoadPoint> points = load_points(load);
  if (repeat % 2 == 1) std::reverse(points.begin(), points.end());
  return points;
}

SteppedSweep::Sweep::Sweep(const SweepSpec& spec, const std::filesystem::path& folder,
                           const Interrupts& interrupts, SweepObserver& observer,
                           const SweepOptions& options)
    : spec_(spec),
      folder_(folder),
      interrupts_(interrupts),
      observer_(observer),
      options_(options),
      store_(folder) {}

SweepOutcome SteppedSweep::Sweep::run() {
  if (store_.resumed()) store_.check_same_spec(spec_);
  if (store_.was_complete() && !options_.repeats_wanted) return already_complete();
  check_endpoint_and_prompts();
  open();
  if (spec_.load.search.wanted()) {
    search(*runner_);
  } else {
    run_listed_levels(*runner_);
  }
  if (spec_.load.refine) refine(*runner_);
  if (options_.repeats_wanted) add_repeats(*runner_);
  return end(true);
}

void SteppedSweep::Sweep::check_endpoint_and_prompts() {
  store_.begin();
  std::vector<std::string> notes;
  endpoint_.emplace(spec_.endpoint, notes, folder_ / "truth.jsonl");
  result().simulated = endpoint_->simulated();
  preflight_ = options_.preflight ? *options_.preflight : check(endpoint_->connection());
  describe(preflight_, std::move(notes));
  observer_.planned(planned_load(spec_, preflight_));
  prompts_.emplace(make_prompts(preflight_));
  if (goes_on_with_others(*prompts_) && preflight_.tokenizer == nullptr) {
    preflight_.bytes_per_token = preflight_.bytes_per_token_of_probes;
    prompts_.emplace(make_prompts(preflight_));
  }
  describe_prompts(*prompts_);
}

void SteppedSweep::Sweep::open() {
  store_.open(spec_, result());
  for (const std::string& line : result().provenance.notes) observer_.note(line);
  summarise_what_is_there();
  save();
  writer_.emplace(folder_, spec_.client.record_chunks);
  const Connection& connection = endpoint_->connection();
  secrets_.emplace(secrets_of(spec_, connection));
  telemetry_.emplace(spec_, connection, preflight_, *secrets_, folder_, interrupts_);
  for (const std::string& line : telemetry_->open()) observer_.note(line);
  runner_.emplace(spec_, preflight_, make_load_clients(spec_, preflight_, connection, part()),
                  *secrets_, *prompts_, *writer_, interrupts_, observer_, &*telemetry_,
                  options_.part);
  budget_.emplace(spec_, request_time_alone(spec_, preflight_), clock_.now());
}

bool SteppedSweep::Sweep::run_one(const RunId& id, int64_t first_prompt) {
  first_prompt_ = first_prompt;
  run_level(*runner_, id);
  return !over_;
}

SweepOutcome SteppedSweep::Sweep::end(bool whole) {
  if (!over_ && whole) finish();
  return std::move(outcome_);
}

SweepOutcome SteppedSweep::Sweep::already_complete() {
  observer_.note("every run of this sweep had ended: nothing is left to measure");
  result() = store_.head();
  result().name = spec_.name;
  result().spec_json = spec_to_json(spec_);
  result().interrupted = false;
  summarise_what_is_there();
  save();
  return std::move(outcome_);
}

Preflight SteppedSweep::Sweep::check(const Connection& connection) {
  return check_endpoint(spec_, connection,
                        {.contact = {},
                         .interrupts = &interrupts_,
                         .patience = options_.patience,
                         .tell = [&](const std::string& line) { observer_.note(line); }});
}

const std::string& SteppedSweep::Sweep::nonce() {
  if (!nonce_) {
    const bool drawn = spec_.workload.nonce == kAutoNonce;
    nonce_ = store_.resumed() ? store_.head().workload.nonce
             : drawn          ? draw_id()
                              : spec_.workload.nonce;
  }
  return *nonce_;
}

void SteppedSweep::Sweep::describe(const Preflight& preflight, std::vector<std::string> notes) {
  SweepResult& described = result();
  described.tool = std::string("llmsweep ") + version();
  described.name = spec_.name;
  described.created_at = utc_timestamp();
  described.interrupted = true;  // until the last run has ended
  if (!spec_.load.search.wanted()) {
    described.planned_runs = static_cast<int>(load_points(spec_.load).size()) * spec_.load.repeats;
  }
  described.spec_json = spec_to_json(spec_);
  described.model = preflight.model;
  described.models = spec_.endpoint.models;
  described.system = spec_.system;
  described.looks = options_.looks;
  described.pairing = options_.pairing;
  described.part = described_part();
  described.provenance = preflight.provenance;
  described.simulated |= is_simulator(preflight.provenance);
  describe_host(described.provenance);
  described.provenance.command = options_.command;
  if (const std::string note = note_of(part()); !note.empty()) notes.push_back(note);
  described.provenance.notes.insert(described.provenance.notes.begin(), notes.begin(), notes.end());
  WorkloadSummary& workload = described.workload;
  workload.input_tokens = spec_.workload.input_tokens;
  if (spec_.load.trace.wanted()) described.trace = describe_replay(spec_.load.trace);
  workload.input_scope = spec_.workload.input_scope;
  workload.output_tokens = spec_.workload.output_tokens;
  workload.streaming = traits_of(spec_.endpoint.api).generates;
  if (described.trace) {  // thousands of lengths
    workload.input_tokens = spread_of(*workload.input_tokens);
    workload.output_tokens = spread_of(workload.output_tokens);
  }
  const int64_t inputs = inputs_of(spec_.endpoint.api, spec_.workload);
  if (inputs > 0) workload.inputs_per_request = inputs;
  workload.seed = spec_.workload.seed;
  workload.nonce = nonce();
  workload.template_overhead_tokens = preflight.overhead_tokens;
  if (preflight.tokenizer != nullptr) {
    workload.tokenizer_path = preflight.tokenizer->info().path;
    workload.tokenizer_sha256 = preflight.tokenizer->info().sha256;
    workload.tokenizer_vocabulary = preflight.tokenizer->info().vocabulary;
  }
}

PromptSource SteppedSweep::Sweep::make_prompts(const Preflight& preflight) {
  PromptPlan plan = prompt_plan(spec_, preflight, nonce());
  plan.interrupts = &interrupts_;
  return {std::move(plan), preflight.tokenizer};
}

std::string SteppedSweep::Sweep::fingerprint(const PromptSource& prompts) const {
  if (!spec_.load.trace.wanted()) return prompts.fingerprint(kFingerprintPrompts);
  return prompts.fingerprint(first_shapes(*spec_.load.trace.replay, kFingerprintPrompts));
}

bool SteppedSweep::Sweep::goes_on_with_others(const PromptSource& prompts) const {
  return store_.resumed() && store_.head().workload.prompt_set_sha256 != fingerprint(prompts);
}

void SteppedSweep::Sweep::describe_prompts(const PromptSource& prompts) {
  const DatasetSummary& dataset = prompts.dataset();
  result().workload.dataset = dataset.name;
  const bool of_blocks = result().trace && result().trace->block_tokens > 0;
  if (of_blocks) result().workload.dataset = "blocks";  // of words, made from the trace's hash ids
  result().workload.dataset_records_skipped = dataset.skipped;
  result().workload.prompt_set_sha256 = fingerprint(prompts);
  for (const std::string& reason : dataset.skip_reasons) {
    observer_.note("dataset: skipped " + reason);
  }
  for (const std::string& line : dataset.notes) observer_.note("dataset: " + line);
}

void SteppedSweep::Sweep::run_listed_levels(LevelRunner& runner) {
  for (int repeat = 0; repeat < spec_.load.repeats && !over_; ++repeat) {
    for (const LoadPoint point : levels_of_round(spec_.load, repeat)) {
      if (!over_) run_level(runner, {point, repeat});
    }
  }
}

void SteppedSweep::Sweep::run_level(LevelRunner& runner, const RunId& id) {
  if (store_.has(id)) return;
  if (interrupts_ > 0) {
    stop();
    return;
  }
  if (stop_for_budget(id)) return;
  RunEntry entry;
  try {
    entry = store_.start(id, runner.prompts_of(id), first_prompt_);
  } catch (const MeasurementError& error) {
    outcome_.storage_error = error.what();
    over_ = true;
    return;
  }
  LevelRun run;
  const Instant started = clock_.now();
  const ClockReading clocks_before = read_clocks();
  try {
    run = runner.run(position_of(id), entry.first_prompt, number_of(id));
  } catch (const InterruptedError&) {  // while its prompts were made: nothing had been sent
    stop();
    return;
  }
  took_[id.point] = clock_.now() - started;
  budget_->add(id.point, run.records, took_[id.point]);
  if (!part().is_whole()) entry.clocks = RunClocks{.begin = clocks_before, .end = read_clocks()};
  entry.interrupted = interrupts_.load() > 0 || run.overran;
  entry.gave_up = run.gave_up;
  entry.client = run.client;
  entry.open = run.open;
  outcome_.stopped |= interrupts_.load() > 0;
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
  if (run.overran) {
    observer_.note(text_of(id) +
                   " was not over when its time in the timetable was: give runs more (--every)");
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

int SteppedSweep::Sweep::number_of(const RunId& id) const {
  const RunPosition position = position_of(id);
  return id.repeat * position.levels + position.nth;
}

// Of one of several alone: what one client measured by itself is whole.
std::optional<PartOfRun> SteppedSweep::Sweep::described_part() const {
  if (!options_.part) return std::nullopt;
  const PartPlan& plan = *options_.part;
  PartOfRun described{.rank = static_cast<int>(plan.part.rank),
                      .of = static_cast<int>(plan.part.of),
                      .clock = read_clocks()};
  if (!plan.part.is_whole()) {
    described.start_at = utc_timestamp(plan.start_at);
    described.every_s = to_seconds(plan.every);
  }
  return described;
}

RunPosition SteppedSweep::Sweep::position_of(const RunId& id) const {
  if (spec_.load.search.wanted()) {
    return {.run = id,
            .nth = static_cast<int>(store_.runs().size()),
            .levels = 0,
            .runs_after = {},
            .simulated = outcome_.result.simulated,
            .inputs = inputs_of(spec_.endpoint.api, spec_.workload)};
  }
  const std::vector<LoadPoint> points = levels_of_round(spec_.load, id.repeat);
  const auto at = std::find(points.begin(), points.end(), id.point);
  const LoadSpec& load = spec_.load;
  return {.run = id,
          .repeats =
              id.repeat < load.repeats ? load.repeats : std::max(load.repeats_max, id.repeat + 1),
          .nth = static_cast<int>(at - points.begin()),
          .levels = static_cast<int>(points.size()),
          .runs_after = time_of_runs_after(id),
          .simulated = outcome_.result.simulated,
          .inputs = inputs_of(spec_.endpoint.api, spec_.workload)};
}

std::optional<Duration> SteppedSweep::Sweep::time_of_runs_after(const RunId& id) const {
  if (spec_.load.refine || options_.repeats_wanted || options_.pairing) return std::nullopt;
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

bool SteppedSweep::Sweep::stop_for_budget(const RunId& id) {
  const std::string why = budget_->exceeded_by(id.point, clock_.now());
  if (why.empty()) return false;
  observer_.note(text_of(id) + " would exceed " + why +
                 ": the sweep ends here; a resume goes on, with a budget of its own");
  result().stopped_for = why;
  if (result().search && result().search->end == SearchEnd::kOpen) {
    result().search->end = SearchEnd::kBudget;
  }
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

void SteppedSweep::Sweep::stop() {
  outcome_.stopped = true;
  over_ = true;
}

int SteppedSweep::Sweep::runs_of(LoadPoint point) const {
  return static_cast<int>(
      std::count_if(store_.runs().begin(), store_.runs().end(),
                    [&](const RunEntry& run) { return run.id.point == point; }));
}

void SteppedSweep::Sweep::summarise(LoadPoint point) {
  try {
    put_level(result(), spec_, summarise_level(spec_, point, store_.runs(), store_.files()));
  } catch (const Error& error) {
    if (outcome_.storage_error.empty()) outcome_.storage_error = error.what();
  }
}

void SteppedSweep::Sweep::summarise_what_is_there() {
  std::set<LoadPoint> points;
  for (const RunEntry& run : store_.runs()) points.insert(run.id.point);
  for (const LoadPoint point : points) summarise(point);
}

void SteppedSweep::Sweep::finish() {
  const bool whole = std::all_of(store_.runs().begin(), store_.runs().end(),
                                 [](const RunEntry& run) { return run.whole(); });
  result().interrupted = !whole;
  save_what_is_measured();
  if (whole && outcome_.storage_error.empty()) store_.complete();
}

void SteppedSweep::Sweep::save() {
  write_result(folder_ / "result.json", result());
}

void SteppedSweep::Sweep::save_what_is_measured() {
  try {
    save();
  } catch (const MeasurementError& error) {
    outcome_.storage_error = error.what();
  }
}

SteppedSweep::SteppedSweep(const SweepSpec& spec, const std::filesystem::path& folder,
                           const Interrupts& interrupts, SweepObserver& observer,
                           const SweepOptions& options)
    : sweep_(std::make_unique<Sweep>(spec, folder, interrupts, observer, options)) {
  if (sweep_->store().resumed()) sweep_->store().check_same_spec(spec);
}
SteppedSweep::~SteppedSweep() = default;

bool SteppedSweep::is_complete() const {
  return sweep_->store().was_complete();
}

std::set<RunId> SteppedSweep::whole_runs() const {
  std::set<RunId> runs;
  for (const RunEntry& run : sweep_->store().runs()) {
    if (run.whole()) runs.insert(run.id);
  }
  return runs;
}

const SweepResult& SteppedSweep::check() {
  sweep_->check_endpoint_and_prompts();
  return sweep_->described();
}

void SteppedSweep::open(const std::vector<RunId>& again) {
  sweep_->store().start_again(again);
  sweep_->open();
}

int64_t SteppedSweep::next_prompt() const {
  return sweep_->store().next_prompt();
}

bool SteppedSweep::run(const RunId& id, int64_t first_prompt) {
  return sweep_->run_one(id, first_prompt);
}

SweepOutcome SteppedSweep::end(bool whole) {
  return sweep_->is_open() ? sweep_->end(whole) : sweep_->already_complete();
}

SweepOutcome run_sweep(const SweepSpec& spec, const std::filesystem::path& folder,
                       const Interrupts& interrupts, SweepObserver& observer,
                       const SweepOptions& options) {
  const Part part = options.part ? options.part->part : Part{};
  ensure_descriptors(part.share_of(static_cast<uint32_t>(most_streams(spec))),
                     spec.endpoint.simulator.empty() ? 1 : 2);
  return SteppedSweep::Sweep(spec, folder, interrupts, observer, options).run();
}

}  // namespace llmsweep

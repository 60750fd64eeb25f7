#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>

#include "cli/columns_option.h"
#include "cli/command_line.h"
#include "cli/console_observer.h"
#include "cli/format_option.h"
#include "cli/gate_verdict.h"
#include "cli/interrupt_listener.h"
#include "cli/one_line.h"
#include "cli/own_input.h"
#include "cli/part_option.h"
#include "cli/print_result.h"
#include "cli/read_results.h"
#include "cli/report_files.h"
#include "cli/spec_option.h"
#include "cli/wait_option.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/stats/spending.h"
#include "llmsweep/stats/users_at_target.h"
#include "llmsweep/sweep/first_look.h"
#include "llmsweep/sweep/prediction.h"
#include "llmsweep/sweep/sweep.h"
#include "llmsweep/sweep/sweep_folder.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct RunOptions {
  std::string spec;
  std::string out = "results";
  std::string resume;  // the folder of a sweep to go on with; empty: a new one
  std::vector<std::string> sets;
  OneLine one_line;
  std::string gate;                    // a policy; empty: no verdict
  std::vector<std::string> baselines;  // what its no_worse rules compare with, a session each
  std::string json;                    // of the verdict, as in GateCommandOptions
  std::string junit;
  bool strict = false;  // nothing to judge by is an error
  bool dry_run = false;
  bool record_chunks = false;  // client.record_chunks
  bool quiet = false;
  std::string wait;
  PartOptions part;
  std::string format = "table";
  std::string columns;  // as --columns takes them; empty: the usual ones
};

// To be typed as it stands.
std::string resume_command(const RunOptions& options, const fs::path& folder) {
  // Of a URL the spec is in the folder, with all that was set.
  const bool by_url = is_url(options.spec);
  std::string command =
      "llmsweep run " +
      printable(by_url ? (folder / "spec.yaml").string() : options.spec, kPathBytes);
  if (!by_url) {
    for (const std::string& set : options.sets) command += " --set '" + printable(set) + "'";
  }
  return command + " --resume " + printable(folder.string(), kPathBytes);
}

std::string loads_text(const std::vector<LoadPoint>& loads) {
  std::vector<std::string> texts;
  for (const LoadPoint load : loads) texts.push_back(value_text(load));
  return (texts.size() == 1 ? "level " : "levels ") + join(texts, ", ");
}

// What is not known yet of the first target's users; empty: nothing more than a comparison tells.
std::string next_levels(const SweepResult& result) {
  if (result.users_at_target.empty()) return {};
  const UsersAtTarget& found = result.users_at_target.front();
  const bool of_users = at_users(result.levels, 1).kind == LoadKind::kUsers;
  if (found.kind == UsersKind::kBeyondSweep) {
    return fmt::format(" --set 'load.{}=[{},{}]', to find how many do not fit",
                       of_users ? "users" : "concurrency", 2 * found.users, 4 * found.users);
  }
  const bool wide = found.c_pass && found.c_fail && *found.c_fail > *found.c_pass + 1;
  if (found.kind != UsersKind::kMeasured || found.confirmed || !wide) return {};
  if (of_users) {
    return fmt::format(" --set load.users={}, for the users between {} and {}",
                       (*found.c_pass + *found.c_fail) / 2, *found.c_pass, *found.c_fail);
  }
  return fmt::format(" --set load.refine=true, for the users between {} and {}", *found.c_pass,
                     *found.c_fail);
}

// What comes next: another run where this one leaves a question open, else another to compare with.
std::string next_command(const SweepResult& result, const RunOptions& options,
                         const fs::path& folder) {
  const std::string place = printable(folder.string(), kPathBytes);
  if (result.part) return "llmsweep merge PART... --out FOLDER, with the folders of all clients";
  const std::string again =
      "llmsweep run " +
      (is_url(options.spec) ? place + "/spec.yaml" : printable(options.spec, kPathBytes));
  std::vector<LoadPoint> invalid;
  for (const LevelStats& level : result.levels) {
    if (!level.pooled.valid) invalid.push_back(level.point);
  }
  if (!invalid.empty()) {
    return again + ", once what makes " + loads_text(invalid) + " INVALID is mended (above)";
  }
  const bool one_run = std::all_of(result.levels.begin(), result.levels.end(),
                                   [](const LevelStats& level) { return level.runs.size() < 2; });
  if (one_run) return again + " --set load.repeats=3, for intervals between runs";
  const std::string levels = next_levels(result);
  return levels.empty() ? "llmsweep compare BASELINE " + place : again + levels;
}

// Or an overload: nothing measured need have ended by then.
bool any_completed(const SweepResult& result) {
  for (const LevelStats& level : result.levels) {
    if (level.pooled.requests.completed > 0 || level.pooled.is_overloaded()) return true;
  }
  return false;
}

// What --strict refuses; empty: each target has an answer, and without one a level is valid.
std::string not_judged(const SweepResult& result) {
  const auto says_nothing = [](const auto& found) {
    return found.kind == UsersKind::kNoValidLevel;
  };
  const auto any_without = [&](const auto& answers) {
    return std::any_of(answers.begin(), answers.end(), says_nothing);
  };
  if (std::none_of(result.levels.begin(), result.levels.end(),
                   [](const LevelStats& level) { return level.pooled.valid; })) {
    return "no level is valid";
  }
  if (any_without(result.users_at_target) || any_without(result.rates_at_target)) {
    return "no valid level says whether a target is met";
  }
  return {};
}

// Where it refused requests or broke them off it answered: then its own words say more.
std::string why_incomplete(const SweepResult& result) {
  const RequestCounts* last = nullptr;
  for (const LevelStats& level : result.levels) {
    for (const RunStats& run : level.runs) {
      if (run.requests.failed > 0) last = &run.requests;
    }
  }
  const auto ended = [&](Outcome outcome) {
    return last != nullptr && last->by_outcome.contains(outcome);
  };
  if (last == nullptr || last->errors.empty() ||
      !(ended(Outcome::kHttpError) || ended(Outcome::kProtocolError))) {
    return "the endpoint stopped answering; the sweep is incomplete";
  }
  const ErrorCount& error = last->errors.front();
  return fmt::format(
      "the endpoint answers, but {} of the last {} measured requests failed; the "
      "sweep is incomplete. {} of them: {}",
      *last->failed, last->all().value_or(0), error.count, error.text);
}

// A fresh folder, or the one to go on with.
fs::path folder_of(const RunOptions& options, const SweepSpec& spec, Console& console) {
  if (!options.resume.empty()) {
    require_sweep_folder(options.resume);
    return options.resume;
  }
  fs::path folder = create_fresh_directory(options.out, spec.name);
  if (folder.filename() != safe_file_name(spec.name)) {
    const fs::path wanted = fs::path(options.out) / safe_file_name(spec.name);
    console.err << fmt::format("{} exists already; writing to {}\n",
                               printable(wanted.string(), kPathBytes),
                               printable(folder.string(), kPathBytes));
  }
  return folder;
}

// A run of one level by itself has no interval between runs; the first look at one is at two.
GateLooks planned_looks(const LoadSpec& load) {
  constexpr int kMostPlanned = 64;
  GateLooks looks{.first = std::max(2, load.repeats),
                  .last = std::max(load.repeats, load.repeats_max)};
  looks.endless = looks.last > kMostPlanned;
  if (!looks.endless) looks.levels = spending_levels({looks.first, looks.last});
  return looks;
}

// The policy of `run --gate` and its baseline, read before anything is sent.
class RunGate {
 public:
  RunGate(const RunOptions& options, const LoadSpec& load, Console& console)
      : outputs_{.json = options.json,
                 .junit = options.junit,
                 .printed = options.format == kJsonFormat ? GateOutputs::Printed::kTextAside
                                                          : GateOutputs::Printed::kText},
        repeats_max_(load.repeats_max) {
    std::vector<std::string> inputs = options.baselines;
    inputs.insert(inputs.end(), {options.spec, options.gate});
    refuse_own_inputs({options.json, options.junit}, inputs);
    if (options.gate.empty()) {
      if (load.repeats_max > load.repeats) {
        console.err << "note: load.repeats_max adds repeats where --gate has a rule to decide\n";
      }
      return;
    }
    policy_ = read_policy_file(options.gate);
    looks_ = planned_looks(load);
    for (const std::string& path : options.baselines) {
      baselines_.push_back(read_result_argument(path));
    }
    if (!baselines_.empty()) refuse_what_is_resumed(options.resume);
  }

  explicit operator bool() const { return policy_.has_value(); }
  void open_outputs() const { require_writable(outputs_); }

  RepeatsWanted repeats_wanted() const {
    if (!policy_ || repeats_max_ == 0) return {};
    return [this](const SweepResult& result) { return levels_needing_repeats(decide(result)); };
  }

  const std::optional<GateLooks>& looks() const { return looks_; }

  int deliver(const SweepResult& result, Console& console) const {
    if (outputs_.printed == GateOutputs::Printed::kText) console.out << '\n';
    return deliver_verdict(decide(result), outputs_, console);
  }

 private:
  // Before anything is measured: a sweep is never worse than its own beginning.
  void refuse_what_is_resumed(const fs::path& folder) const {
    const fs::path before = folder / "result.json";
    if (folder.empty() || !there_is(before)) return;
    const SweepResult resumed = read_result(before);
    for (const SweepResult& baseline : baselines_) {
      if (!same_measurement(resumed, baseline)) continue;
      throw Error({.what = "the baseline is the same measurement as the sweep that is resumed",
                   .where = "--baseline",
                   .next = "name an older result"});
    }
  }

  GateReport decide(const SweepResult& result) const { return gate(result, baselines_, *policy_); }

  GateOutputs outputs_;
  int repeats_max_ = 0;
  std::optional<GateLooks> looks_;
  std::optional<GatePolicy> policy_;
  std::vector<SweepResult> baselines_;
};

SweepSpec spec_of(const RunOptions& options) {
  if (is_url(options.spec)) return one_line_spec(options.spec, options.one_line, options.sets);
  require_none(options.spec, options.one_line);
  return load_run_spec(options.spec, options.sets);
}

// What nobody said was chosen then, and is in the spec that was left.
void refuse_resume_of_url(const RunOptions& options) {
  if (options.resume.empty()) return;
  const fs::path spec = fs::path(options.resume) / "spec.yaml";
  throw Error({.what = "a sweep goes on with the spec that it began with, not with a URL",
               .where = "--resume",
               .next = fmt::format("llmsweep run {} --resume {}", spec.string(), options.resume)});
}

// What one of several clients cannot be given.
void refuse_beside_part(const RunOptions& options) {
  const std::pair<bool, ErrorText> refusals[] = {
      {is_url(options.spec),
       {.what = "of a URL each client would choose levels and repeats by what it measures",
        .where = "--part",
        .next = "write a spec: llmsweep init " + options.spec + " > spec.yaml"}},
      {!options.resume.empty(),
       {.what = "a part cannot be resumed: the other clients would not run beside it",
        .where = "--resume",
        .next = "run all parts again"}},
      {!options.gate.empty(),
       {.what = "a part has no verdict: it is not the whole load",
        .where = "--gate",
        .next = "merge the parts, then: llmsweep gate RESULT " + options.gate}},
      {options.strict,
       {.what = "no level of a part is valid: it is not the whole load",
        .where = "--strict",
        .next = "merge the parts and gate the result"}}};
  for (const auto& [refused, text] : refusals) {
    if (refused) throw Error(text);
  }
}

// Of what several clients made, each in its own time.
void refuse_resume_of_parts(const fs::path& folder) {
  const fs::path journal = folder / "sweep.jsonl";
  // What is no file of ours is refused where the folder is opened.
  std::error_code ignored;
  if (folder.empty() || !fs::is_regular_file(fs::symlink_status(journal, ignored))) return;
  const SweepResult head = read_journal(journal).head;
  if (!head.part && head.clients.empty()) return;
  throw Error({.what = head.part ? "holds one client's part of a sweep, which cannot be resumed"
                                 : "was merged from the parts of several clients",
               .where = folder.string(),
               .next = "run all parts again (docs/scale.md)"});
}

int run_command(RunOptions options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
  const bool by_url = is_url(options.spec);
  const std::optional<PartPlan> part =
      part_plan(options.part, [](const char* name) { return std::getenv(name); });
  if (part) refuse_beside_part(options);
  if (by_url) refuse_resume_of_url(options);
  refuse_resume_of_parts(options.resume);
  // A gate plans its looks by the repeats that there are.
  if (by_url && !options.gate.empty() && options.one_line.repeats.empty()) {
    options.one_line.repeats = std::to_string(kFirstRepeats);
  }
  SweepSpec spec = spec_of(options);
  spec.client.record_chunks |= options.record_chunks;
  if (part) {
    require_divisible(spec, *part);
    if (!spec.endpoint.metrics.off()) {
      console.err << "note: a part reads no pages of metrics (endpoint.metrics)\n";
    }
    spec = spec_of_part(std::move(spec));
  }
  if (options.dry_run) {
    if (options.format != kJsonFormat) console.out << plan_text(spec);
    console.out << spec_to_json(spec) << '\n';
    return kExitOk;
  }
  const SteadyClock clock;
  const Instant began = clock.now();
  const Patience patience = patience_of(options.wait);
  const RunGate gate(options, spec.load, console);
  gate.open_outputs();
  const InterruptListener interrupts;
  std::optional<Preflight> preflight;
  if (by_url) {
    Completed completed = complete_one_line(options.spec, options.one_line, options.sets,
                                            interrupts.count(), patience, console);
    completed.spec.client.record_chunks = spec.client.record_chunks;
    spec = std::move(completed.spec);
    preflight = std::move(completed.preflight);
  }
  const bool adds_repeats = by_url && !gate && spec.load.repeats < spec.load.repeats_max;
  const fs::path folder = folder_of(options, spec, console);
  const fs::path kept_spec = folder / "spec.yaml";
  if (by_url) write_file_atomically(kept_spec, spec_to_yaml(spec));
  SweepOutcome outcome;
  {
    ConsoleObserver observer(console, options.quiet, interrupts.count(),
                             resume_command(options, folder));
    try {
      outcome = run_sweep(
          spec, folder, interrupts.count(), observer,
          {.repeats_wanted = adds_repeats ? more_repeats_in_time(clock) : gate.repeats_wanted(),
           .looks = gate.looks(),
           .part = part,
           .patience = patience,
           .preflight = std::move(preflight),
           .command = command_line(console.args)});
    } catch (...) {
      std::error_code not_empty;
      if (by_url && !there_is(folder / "sweep.jsonl")) fs::remove(kept_spec, not_empty);
      fs::remove(folder, not_empty);  // only succeeds where nothing was written
      throw;
    }
  }
  const SweepResult& result = outcome.result;
  const bool json = options.format == kJsonFormat;
  const auto write_pictures = [&] {
    write_file_atomically(folder / "figure.svg", figure_svg({&result, 1}));
    write_run_report(folder, result);
  };
  // Who has sent TERM kills soon, and a reader of the table may have stalled.
  if (outcome.stopped && outcome.storage_error.empty()) write_pictures();
  if (json) {
    console.out << result_to_json(result) << '\n';
  } else {
    print_result(result, console);
  }
  if (!outcome.storage_error.empty()) {
    throw MeasurementError({.what = outcome.storage_error,
                            .where = spec.name,
                            .next = "the table above has all that was measured"});
  }
  if (!outcome.stopped) write_pictures();
  if (!json) list_files(folder, console);
  if (!json && !options.quiet && !outcome.stopped) {
    const Duration took = std::chrono::round<std::chrono::seconds>(clock.now() - began);
    console.err << fmt::format("took {}; next: {}\n", format_duration(took),
                               next_command(result, options, folder));
  }
  const int verdict = gate ? gate.deliver(result, console) : kExitOk;
  if (outcome.stopped) return kExitInterrupted;
  if (outcome.budget_spent) return kExitBudgetSpent;
  if (outcome.endpoint_lost || !any_completed(result)) {
    throw MeasurementError(
        {.what = why_incomplete(result),
         .where = spec.name,
         .next = "each failure and its reason is in " + (folder / "requests.jsonl").string()});
  }
  const std::string refused = options.strict ? not_judged(result) : std::string();
  if (verdict != kExitOk || refused.empty()) return verdict;
  console.err << "--strict: " << refused << '\n';
  return kExitGateInvalid;
}

}  // namespace

void add_run(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand(
      "run", "Measure: run the sweep that SPEC describes, or a first one of a URL");
  add_spec(*command, options->spec, options->sets);
  add_one_line(*command, options->one_line);
  command->add_option("--out", options->out, "Folder for results")
      ->type_name("FOLDER")
      ->capture_default_str();
  CLI::Option* gate = command
                          ->add_option("--gate", options->gate,
                                       "Rules in YAML to decide on the result; repeats up to\n"
                                       "load.repeats_max are added while one is inconclusive")
                          ->type_name("FILE");
  command
      ->add_option("--baseline", options->baselines,
                   "What the policy's no_worse compares with; several: one of each\n"
                   "session (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->needs(gate);
  command->add_option("--json", options->json, "Write the verdict as JSON")
      ->type_name("FILE")
      ->needs(gate);
  command->add_option("--junit", options->junit, "Write the verdict as JUnit XML")
      ->type_name("FILE")
      ->needs(gate);
  command
      ->add_option("--resume", options->resume,
                   "Go on with the sweep in this folder: runs that ended are kept")
      ->type_name("FOLDER");
  command->add_flag("--strict", options->strict,
                    "Exit with 12 where no level is valid or a target cannot be judged");
  command->add_flag("--dry-run", options->dry_run, "Show what would be run, send nothing");
  command->add_flag("--record-chunks", options->record_chunks,
                    "Keep the instant of every chunk in chunks.bin");
  command->add_flag("--quiet", options->quiet, "No progress");
  add_part(*command, options->part);
  add_wait(*command, options->wait);
  add_format(*command, options->format);
  add_columns(*command, options->columns);
  command->footer(
      "Examples:\n"
      "  llmsweep run http://localhost:8000/v1\n"
      "  llmsweep run http://localhost:8000/v1 -c 1,8,64 --isl 1024 --osl 128 --gpus 8 \\\n"
      "      --target e2e:p50:15s\n"
      "  llmsweep run http://localhost:8000/v1 --rate 1,2,4\n"
      "  llmsweep run spec.yaml\n"
      "  llmsweep run spec.yaml --set 'load.concurrency=[1,8]' --set load.repeats=5 --out /data\n"
      "  llmsweep run spec.yaml --set load.repeats_max=8 --gate policy.yaml --junit gate.xml\n"
      "  llmsweep run spec.yaml --resume results/my-server\n"
      "  llmsweep run spec.yaml --part 0/3 --start-at 2026-12-01T12:00:00Z --every 2m\n\n"
      "Leaves OUT/NAME/: result.json, requests.jsonl, sweep.jsonl, report.html, figure.svg;\n"
      "of a URL the spec that was run too, spec.yaml, to change and run again.\n"
      "Ctrl-C once lets requests in flight end and writes what was measured; twice stops at\n"
      "once. SIGTERM and SIGHUP leave them 8 s. --resume goes on after that, or after a kill,\n"
      "and starts the run that was cut short again.\n"
      "With --gate the exit code is the verdict's, as of 'llmsweep gate'.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return run_command(*options, console); };
  });
}

}  // namespace llmsweep

#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.h"
#include "cli/console_observer.h"
#include "cli/format_option.h"
#include "cli/interrupt_listener.h"
#include "cli/print_result.h"
#include "cli/report_files.h"
#include "cli/spec_option.h"
#include "cli/wait_option.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/base/version.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/results/versus_file.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/versus.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct VersusCommandOptions {
  std::string a, b;  // specs
  std::vector<std::string> sets, sets_a, sets_b;
  int rounds = 5;
  std::string order = "random";
  uint64_t seed = 0;
  bool seeded = false;  // else one is drawn
  std::string out = "results";
  std::string resume;  // the folder of a comparison to go on with; empty: a new one
  bool quiet = false;
  std::string wait;
  std::string format = "table";
};

// One of the two: its lines say which.
class SideObserver final : public SweepObserver {
 public:
  SideObserver(ConsoleObserver& console, std::string side)
      : console_(console), side_(std::move(side)) {}

  void note(const std::string& line) override { console_.note(side_ + ": " + line); }
  void planned(const PlannedLoad& load) override {
    if (side_ == "a") console_.planned(load);  // the same for both
  }
  void progress(const LevelProgress& progress, Instant now) override {
    console_.progress(progress, now);
  }
  void run_finished(const LevelStats& level) override {
    console_.run_finished(side_ + "  ", level);
  }

 private:
  ConsoleObserver& console_;
  std::string side_;
};

std::string resume_versus(const VersusCommandOptions& options, const fs::path& folder) {
  std::string command = fmt::format("llmsweep versus {} {}", printable(options.a, kPathBytes),
                                    printable(options.b, kPathBytes));
  const auto add = [&command](const char* flag, const std::vector<std::string>& sets) {
    for (const std::string& set : sets) command += fmt::format(" {} '{}'", flag, printable(set));
  };
  add("--set", options.sets);
  add("--set-a", options.sets_a);
  add("--set-b", options.sets_b);
  return command + " --resume " + printable(folder.string(), kPathBytes);
}

SweepSpec side_spec(const std::string& path, std::vector<std::string> sets,
                    const std::vector<std::string>& own) {
  sets.insert(sets.end(), own.begin(), own.end());
  return load_run_spec(path, sets);
}

VersusPlan new_plan(const VersusCommandOptions& options) {
  VersusPlan plan{.tool = std::string("llmsweep ") + version(),
                  .created_at = utc_timestamp(),
                  .id = draw_id(),
                  .rounds = options.rounds,
                  .order = options.order,
                  .seed = options.seed,
                  .nonce = draw_id()};
  if (!options.seeded) plan.seed = std::stoull(draw_id().substr(0, 8), nullptr, 16);
  return plan;
}

struct VersusFolder {
  fs::path path;
  VersusPlan plan;
  bool fresh = true;
};

VersusFolder folder_of(const VersusCommandOptions& options, const std::string& name) {
  if (options.resume.empty()) {
    VersusFolder folder{create_fresh_directory(options.out, name), new_plan(options)};
    for (const char* side : {"a", "b"}) fs::create_directory(folder.path / side);
    write_file_atomically(folder.path / "versus.json", versus_to_json(folder.plan));
    return folder;
  }
  const fs::path path = options.resume;
  for (const char* side : {"a", "b"}) {
    if (is_folder(path / side)) continue;
    throw Error({.what = fmt::format("has no folder {}", side),
                 .where = path.string(),
                 .next = "give the folder that 'llmsweep versus' wrote"});
  }
  return {path, read_versus(path / "versus.json"), false};
}

// Where nothing was begun; what holds anything stays.
void remove_if_empty(const fs::path& folder) {
  std::error_code not_empty;
  for (const char* side : {"a", "b"}) {
    if (!fs::remove(folder / side, not_empty) || not_empty) return;
  }
  fs::remove(folder / "versus.json", not_empty);
  fs::remove(folder, not_empty);
}

void write_side(const fs::path& folder, const SweepResult& result) {
  write_file_atomically(folder / "figure.svg", figure_svg({&result, 1}));
  write_run_report(folder, result);
}

void write_versus_report(const fs::path& folder, std::span<const SweepResult> results,
                         std::span<const Comparison> comparisons) {
  HtmlInput input{.results = results};
  for (size_t i = 0; i < results.size(); ++i) {
    input.result_json.push_back(result_to_json(results[i]));
    add_run_files(folder / (i == 0 ? "a" : "b"), input);
  }
  input.comparisons = comparisons;
  write_file_atomically(folder / "report.html", html_report(input));
}

// The sides are told apart by their names; of two alike "a" and "b".
void name_sides(std::array<SweepResult, 2>& results) {
  if (results[0].name != results[1].name) return;
  results[0].name = "a";
  results[1].name = "b";
}

void show_comparison(const VersusCommandOptions& options, const VersusFolder& folder,
                     const std::array<SweepResult, 2>& results, Console& console) {
  const std::vector<Comparison> comparisons = compare_all(results[0], {&results[1], 1});
  const std::string json = comparison_json(comparisons);
  write_file_atomically(folder.path / "versus.json", versus_to_json(folder.plan, json));
  write_versus_report(folder.path, results, comparisons);
  if (options.format == kJsonFormat) {
    console.out << json;
    return;
  }
  console.out << comparison_table(comparisons, console.out_style, CompareView::kShort);
  const std::string path = printable(folder.path.string(), kPathBytes);
  console.err << fmt::format("results: {0}/a, {0}/b, {0}/versus.json, {0}/report.html\n", path);
}

int versus_command(const VersusCommandOptions& options, Console& console) {
  const SweepSpec a = side_spec(options.a, options.sets, options.sets_a);
  const SweepSpec b = side_spec(options.b, options.sets, options.sets_b);
  require_same_load(a, b);
  const Patience patience = patience_of(options.wait);
  const InterruptListener interrupts;
  const std::string name = a.name == b.name ? "versus-" + a.name : a.name + "-versus-" + b.name;
  const VersusFolder folder = folder_of(options, name);
  VersusOutcome outcome;
  {
    ConsoleObserver observer(console, options.quiet, interrupts.count(),
                             resume_versus(options, folder.path));
    SideObserver of_a(observer, "a"), of_b(observer, "b");
    try {
      outcome = run_versus(folder.plan, a, b, folder.path, interrupts.count(), of_a, of_b,
                           {.patience = patience, .command = command_line(console.args)});
    } catch (...) {
      if (folder.fresh) remove_if_empty(folder.path);
      throw;
    }
  }
  std::array<SweepResult, 2> results = {outcome.a.result, outcome.b.result};
  for (const SweepOutcome* side : {&outcome.a, &outcome.b}) {
    if (side->storage_error.empty()) continue;
    throw MeasurementError({.what = side->storage_error,
                            .where = folder.path.string(),
                            .next = "make room, then go on with --resume"});
  }
  write_side(folder.path / "a", results[0]);
  write_side(folder.path / "b", results[1]);
  name_sides(results);
  if (!results[0].levels.empty() && !results[1].levels.empty()) {
    show_comparison(options, folder, results, console);
  }
  if (outcome.a.stopped || outcome.b.stopped) return kExitInterrupted;
  if (outcome.whole) return kExitOk;
  throw MeasurementError({.what = "a side stopped answering: the comparison is incomplete",
                          .where = outcome.a.endpoint_lost ? a.name : b.name,
                          .next = "go on with " + resume_versus(options, folder.path)});
}

}  // namespace

void add_versus(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<VersusCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "versus", "Measure two systems side by side, in rounds of pairs, and compare them");
  command->add_option("A", options->a, "Run spec of the baseline")->type_name("FILE")->required();
  command->add_option("B", options->b, "Run spec of the other system: the same workload and load")
      ->type_name("FILE")
      ->required();
  CLI::Option* rounds =
      command
          ->add_option(
              "--rounds", options->rounds,
              "Rounds; in each every level is measured once of\nA and once of B (load.repeats "
              "does not count)")
          ->check(CLI::Range(1, 1000))
          ->capture_default_str();
  CLI::Option* order =
      command
          ->add_option("--order", options->order,
                       "Which of a pair comes first: random (drawn,\nbalanced) or abba")
          ->check(CLI::IsMember({"random", "abba"}))
          ->capture_default_str();
  CLI::Option* seed =
      command->add_option("--seed", options->seed, "Of the order; else drawn")->type_name("N");
  const auto add_sets = [command](const char* flag, std::vector<std::string>& sets,
                                  const char* what) {
    command->add_option(flag, sets, what)->type_name("KEY=VALUE")->allow_extra_args(false);
  };
  add_sets("--set", options->sets, "Override a value of both specs (repeatable)");
  add_sets("--set-a", options->sets_a, "The same of A alone");
  add_sets("--set-b", options->sets_b, "The same of B alone");
  CLI::Option* out = command->add_option("--out", options->out, "Folder for results")
                         ->type_name("FOLDER")
                         ->capture_default_str();
  command
      ->add_option("--resume", options->resume,
                   "Go on with the comparison in this folder: pairs that\nended are kept, and so "
                   "is what was planned")
      ->type_name("FOLDER")
      ->excludes(rounds, order, seed, out);
  command->add_flag("--quiet", options->quiet, "No progress");
  add_wait(*command, options->wait);
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep versus main.yaml branch.yaml\n"
      "  llmsweep versus spec.yaml spec.yaml --set-b endpoint.url=http://other:8000/v1 --rounds 8\n"
      "  llmsweep versus main.yaml branch.yaml --resume results/main-versus-branch\n\n"
      "Both systems are up the whole time; only one is measured at a time. What drifts meanwhile\n"
      "(clocks, neighbours, the network) meets both alike and is in no ratio.\n"
      "Leaves OUT/A-versus-B/: a/ and b/, as 'llmsweep run' leaves a sweep, versus.json,\n"
      "report.html. 'compare' and 'gate --baseline' of the two use the pairs.\n");
  command->callback([options, seed, &chosen] {
    options->seeded = seed->count() > 0;
    chosen = [options](Console& console) { return versus_command(*options, console); };
  });
}

}  // namespace llmsweep

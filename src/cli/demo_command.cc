#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <exception>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>

#include "cli/command_line.h"
#include "cli/interrupt_listener.h"
#include "cli/print_result.h"
#include "cli/report_files.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/base/thread.h"
#include "llmsweep/model/exit_code.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/sweep.h"

extern "C" {
extern const char llmsweep_demo_h200_begin[], llmsweep_demo_h200_end[];
extern const char llmsweep_demo_gb200_begin[], llmsweep_demo_gb200_end[];
extern const char llmsweep_profile_h200_begin[], llmsweep_profile_h200_end[];
extern const char llmsweep_profile_gb200_begin[], llmsweep_profile_gb200_end[];
}

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct DemoOptions {
  std::string out = "results";
  bool quick = false;
};

struct DemoSystem {
  const char* title;
  const char* file;
  std::string_view spec;
  std::string_view profile;
};

std::string_view embedded(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

std::array<DemoSystem, 2> demo_systems() {
  return {{{"H200 ", "h200-fp8", embedded(llmsweep_demo_h200_begin, llmsweep_demo_h200_end),
            embedded(llmsweep_profile_h200_begin, llmsweep_profile_h200_end)},
           {"GB200", "gb200-nvfp4", embedded(llmsweep_demo_gb200_begin, llmsweep_demo_gb200_end),
            embedded(llmsweep_profile_gb200_begin, llmsweep_profile_gb200_end)}}};
}

// What the specs that are shipped say, without the files that they name.
SweepSpec demo_spec(const DemoSystem& system, const fs::path& folder, bool quick) {
  const fs::path profile = folder / (std::string(system.file) + ".yaml");
  write_file_atomically(profile, system.profile);
  std::vector<std::string> sets = {
      "endpoint.simulator=" + nlohmann::json(fs::absolute(profile).string()).dump(-1, ' ', true),
      "workload.dataset=sample"};
  if (quick) {
    sets.insert(sets.end(),
                {"load.concurrency=[1, 2, 8, 16]", "load.repeats=2", "load.min_requests=2"});
  } else {
    sets.emplace_back("load.repeats=3");
  }
  return parse_spec(system.spec, system.file, sets);
}

// Both sweeps run at once, each on a thread of its own: the simulated endpoints pace themselves,
// and the clients are idle most of the time.
class DemoObserver final : public SweepObserver {
 public:
  DemoObserver(const DemoSystem& system, Console& console, std::mutex& mutex)
      : system_(system), console_(console), mutex_(mutex) {}

  void note(const std::string&) override {}
  void progress(const LevelProgress&, Instant) override {}
  void run_finished(const LevelStats& level) override {
    const std::lock_guard lock(mutex_);
    console_.err << fmt::format("{}  {}", system_.title,
                                level_line(level, console_.err_terminal.style))
                 << std::endl;
  }

 private:
  const DemoSystem& system_;
  Console& console_;
  std::mutex& mutex_;  // guards the console
};

std::array<SweepOutcome, 2> run_both(const std::array<DemoSystem, 2>& systems,
                                     const fs::path& folder, bool quick, Console& console) {
  const InterruptListener interrupts;
  std::mutex mutex;
  std::array<SweepOutcome, 2> outcomes;
  std::array<std::exception_ptr, 2> failures;
  const auto run = [&](size_t i) {
    try {
      DemoObserver observer(systems[i], console, mutex);
      const fs::path own = create_fresh_directory(folder, systems[i].file);
      outcomes[i] = run_sweep(demo_spec(systems[i], folder, quick), own, interrupts.count(),
                              observer, {.command = command_line(console.args)});
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  {
    const std::jthread other = start_thread("demo", [&] { run(1); });
    run(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return outcomes;
}

void write_demo_report(const fs::path& folder, std::span<const SweepResult> results,
                       std::span<const Comparison> comparisons,
                       const std::array<DemoSystem, 2>& systems) {
  HtmlInput input{.results = results};
  for (size_t i = 0; i < results.size(); ++i) {
    input.result_json.push_back(result_to_json(results[i]));
    add_run_files(folder / systems[i].file, input);
  }
  input.comparisons = comparisons;
  write_file_atomically(folder / "report.html", html_report(input));
  write_file_atomically(folder / "figure.svg", figure_svg(results));
}

int demo_command(const DemoOptions& options, Console& console) {
  const std::array<DemoSystem, 2> systems = demo_systems();
  const fs::path folder = create_fresh_directory(options.out, "demo");
  console.err << fmt::format(
      "Two simulated systems, measured at once: DeepSeek-V3.2 on 8 H200 and on 4 GB200, at a tenth "
      "of the published lengths{}.\n",
      options.quick ? ", four levels, twice, in half a minute" : ", three times, in two minutes");
  std::array<SweepOutcome, 2> outcomes = run_both(systems, folder, options.quick, console);
  std::vector<SweepResult> results;
  for (SweepOutcome& outcome : outcomes) {
    if (!outcome.storage_error.empty()) {
      throw MeasurementError({.what = outcome.storage_error,
                              .where = folder.string(),
                              .next = "give --out a folder with room"});
    }
    results.push_back(std::move(outcome.result));
    console.out << level_table(results.back(), console.out_style)
                << users_text(results.back(), console.out_style) << '\n';
  }
  if (outcomes[0].stopped || outcomes[1].stopped) return kExitInterrupted;
  const std::vector<Comparison> comparisons =
      compare_all(results.front(), std::span(results).subspan(1), {});
  console.out << comparison_table(comparisons, console.out_style, CompareView::kShort) << '\n';
  write_demo_report(folder, results, comparisons, systems);
  console.out << "The figure: " << printable((folder / "figure.svg").string(), kPathBytes) << '\n'
              << "The report: " << printable((folder / "report.html").string(), kPathBytes) << '\n';
  return kExitOk;
}

}  // namespace

void add_demo(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* command =
      app.add_subcommand("demo", "Measure and compare two simulated systems, without any file");
  command->add_option("--out", options->out, "Folder for results")
      ->type_name("FOLDER")
      ->capture_default_str();
  command->add_flag("--quick", options->quick,
                    "Four levels, two runs each and their range: half a minute");
  command->footer(
      "Example:\n"
      "  llmsweep demo --quick\n\n"
      "Leaves OUT/demo/: figure.svg, report.html, and of each system what 'llmsweep run' leaves.\n"
      "Everything in it is SIMULATED: calibrated on published figures of DeepSeek-V3.2.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return demo_command(*options, console); };
  });
}

}  // namespace llmsweep

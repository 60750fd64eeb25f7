#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/interrupt_listener.h"
#include "cli/last_selftest.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/selftest_table.h"
#include "llmsweep/results/selftest_file.h"
#include "llmsweep/sweep/selftest.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

// Of the load to test where only one half of it is given.
constexpr int kDefaultStreams = 64;
constexpr double kDefaultRate = 100;

struct SelftestCommandOptions {
  int streams = 0;  // 0 both: a ladder of loads
  double rate = 0;  // chunks a second of each stream
  bool tls = false;
  bool in_step = false;
  std::string format = "table";  // table, json
};

// A folder that is gone when this is.
class ScratchFolder {
 public:
  ScratchFolder()
      : path_(create_fresh_directory(fs::temp_directory_path(),
                                     fmt::format("llmsweep-selftest-{}", ::getpid()))) {}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

SelftestOptions options_for(const SelftestCommandOptions& command, const fs::path& scratch) {
  SelftestOptions options{.tls = command.tls,
                          .in_step = command.in_step,
                          .program = "/proc/self/exe",
                          .scratch = scratch};
  if (command.streams == 0 && command.rate == 0) {
    options.loads = selftest_ladder();
  } else {
    options.loads = {{command.streams > 0 ? command.streams : kDefaultStreams,
                      command.rate > 0 ? command.rate : kDefaultRate}};
    options.per_load = std::chrono::seconds(3);
  }
  return options;
}

int selftest_command(const SelftestCommandOptions& options, Console& console) {
  const InterruptListener interrupts;
  const ScratchFolder scratch;
  const Selftest selftest = run_selftest(
      options_for(options, scratch.path()), interrupts.count(), [&](const SelftestStep& step) {
        console.err << fmt::format(
            "{} streams, {} chunks/s: {}\n", format_number(step.load.streams),
            format_number(step.chunks_per_s), step.trusted ? "trusted" : "not trusted");
      });
  if (!selftest.steps.empty()) {
    console.out << (options.format == "json" ? selftest_to_json(selftest)
                                             : selftest_table(selftest, console.out_style));
  }
  if (interrupts.count() > 0) return kExitInterrupted;
  keep_selftest(selftest, console);
  return highest_trusted(selftest) != nullptr ? kExitOk : kExitMeasurementFailed;
}

}  // namespace

void add_selftest(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<SelftestCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "selftest", "Measure this machine's own error and ceiling against the simulated endpoint");
  command
      ->add_option("--streams", options->streams, "Streams at once, instead of a ladder of loads")
      ->check(CLI::Range(1, 20'000));
  command->add_option("--rate", options->rate, "Chunks a second of each stream")
      ->check(CLI::Range(1.0, 10'000.0));
  command->add_flag("--tls", options->tls, "Over HTTPS");
  command->add_flag("--in-step", options->in_step,
                    "All streams gain their tokens at once, the hardest pattern");
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  llmsweep selftest                              a ladder of loads, about 25 s\n"
      "  llmsweep selftest --streams 512 --rate 100     one load\n\n"
      "The endpoint runs in a process of its own, on a core of its own where there are two, and\n"
      "logs when it sent every chunk. The verdict is kept for `run` and `check`, which hold their\n"
      "planned load against it ($XDG_STATE_HOME/llmsweep/selftest.json). Exit codes: 0 a load can\n"
      "be trusted; 1 none can, or the test could not be made; 2 usage; 130 interrupted.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return selftest_command(*options, console); };
  });
}

}  // namespace llmsweep

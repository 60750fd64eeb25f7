#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/last_selftest.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/selftest_table.h"
#include "llmsweep/results/selftest_file.h"
#include "llmsweep/sweep/selftest.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

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

}  // namespace

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

}  // namespace llmsweep

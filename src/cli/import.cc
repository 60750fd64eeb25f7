#include "llmsweep/results/import.h"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "cli/commands.h"
#include "cli/format_option.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec.h"

namespace llmsweep {
namespace {

bool is_own_result(const std::filesystem::path& path) {
  if (is_folder(path)) return there_is(path / "result.json");
  try {
    return !read_result(path).tool.empty();
  } catch (const Error&) {
    return false;
  }
}

SweepResult import_or_read(const ImportCommandOptions& options) {
  // A result of ours is the file that scores are attached to.
  if (!options.quality.empty() && options.paths.size() == 1 && is_own_result(options.paths[0])) {
    return read_result_argument(options.paths[0]);
  }
  ImportOptions import{.name = options.name};
  if (!options.system.empty()) import.system = load_system(options.system);
  if (options.gpus > 0) import.system.gpus = options.gpus;
  if (options.concurrency > 0) import.concurrency = options.concurrency;
  if (!options.accelerator.empty()) import.system.accelerator = options.accelerator;
  if (!options.precision.empty()) import.system.precision = options.precision;
  return import_results({options.paths.begin(), options.paths.end()}, import);
}

}  // namespace

int import_command(const ImportCommandOptions& options, Console& console) {
  std::vector<std::string> inputs = options.paths;
  inputs.insert(inputs.end(), {options.system, options.quality});
  if (options.quality.empty()) refuse_own_inputs({options.out}, inputs);
  SweepResult result = import_or_read(options);
  if (!options.quality.empty()) {
    result.quality = import_quality(options.quality);
    result.provenance.notes.push_back("Quality scores are from " + options.quality + ".");
  }
  write_result(options.out, result);
  if (options.format == kJsonFormat) {
    console.out << result_to_json(result) << '\n';
    return kExitOk;
  }
  console.out << level_table(result, console.out_style) << '\n';
  for (const std::string& note : result.provenance.notes) {
    console.out << "note: " << printable(note, 1000) << '\n';
  }
  console.out << printable(options.out, 4096) << '\n';
  return kExitOk;
}

}  // namespace llmsweep

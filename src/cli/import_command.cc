#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/columns_option.h"
#include "cli/format_option.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/import/import.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

struct ImportCommandOptions {
  std::vector<std::string> paths;
  std::string out;      // result file to write
  std::string system;   // a spec whose `system` and `endpoint.prices` are taken; empty: none
  std::string quality;  // a results file of lm-evaluation-harness; empty: none
  std::string name;
  std::string accelerator;
  std::string precision;
  int gpus = 0;                   // 0: as the files say
  int concurrency = 0;            // 0: as the files say
  std::vector<std::string> only;  // KEY=VALUE each
  std::string lengths;            // "vary", or empty
  std::string format = "table";
  std::string columns;  // as --columns takes them; empty: the usual ones
};

bool is_own_result(const std::filesystem::path& path) {
  if (is_folder(path)) return there_is(path / "result.json");
  try {
    return !read_result(path).tool.empty();
  } catch (const Error&) {
    return false;
  }
}

std::pair<std::string, std::string> key_and_value(const std::string& choice) {
  const size_t at = choice.find('=');
  if (at == choice.npos || at == 0) {
    throw Error({.what = "'" + printable(choice, 80) + "' is no KEY=VALUE",
                 .where = "--only",
                 .next = "write a key of the files and its value: offloading=none"});
  }
  return {choice.substr(0, at), choice.substr(at + 1)};
}

SweepResult import_or_read(const ImportCommandOptions& options) {
  // A result of ours is the file that scores are attached to.
  if (!options.quality.empty() && options.paths.size() == 1 && is_own_result(options.paths[0])) {
    return read_result_argument(options.paths[0]);
  }
  ImportOptions import{.name = options.name};
  if (!options.system.empty()) {
    import.system = load_system(options.system);
    import.prices = load_prices(options.system);
  }
  if (options.gpus > 0) import.system.gpus = options.gpus;
  if (options.concurrency > 0) import.concurrency = options.concurrency;
  if (!options.accelerator.empty()) import.system.accelerator = options.accelerator;
  if (!options.precision.empty()) import.system.precision = options.precision;
  import.lengths_vary = !options.lengths.empty();
  for (const std::string& choice : options.only) import.only.push_back(key_and_value(choice));
  return import_results({options.paths.begin(), options.paths.end()}, import);
}

int import_command(const ImportCommandOptions& options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
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

}  // namespace

void add_import(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ImportCommandOptions>();
  CLI::App* command =
      app.add_subcommand("import", "Make a result of other tools' files, or attach scores");
  command
      ->add_option("PATH", options->paths,
                   "Files or folders of one sweep; or, with --quality, a result.json")
      ->type_name("FILE")
      ->required();
  command->add_option("-o,--out", options->out, "Result file to write")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--system", options->system,
                   "Spec whose 'system' and 'endpoint.prices' describe the system and its prices")
      ->type_name("FILE");
  command->add_option("--gpus", options->gpus, "GPUs of the system")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--accelerator", options->accelerator, "Such as H200");
  command->add_option("--precision", options->precision, "Such as FP8");
  command->add_option("--concurrency", options->concurrency, "Of files that do not say theirs")
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--only", options->only,
                   "Only runs whose file says so, where it holds several systems: offloading=none, "
                   "ep=8, gpus=16; may be given again")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("--lengths", options->lengths,
                   "vary: levels of one dataset whose mean lengths differ are one sweep; the "
                   "result says so")
      ->check(CLI::IsMember({"vary"}));
  command->add_option("--name", options->name, "Name of the result");
  command
      ->add_option("--quality", options->quality,
                   "Attach the scores of a lm-evaluation-harness results file")
      ->type_name("FILE");
  add_format(*command, options->format);
  std::string formats = "Recognised by content:\n";
  for (const std::string& format : import_formats()) formats += "  " + format + "\n";
  add_columns(*command, options->columns);
  command->footer(
      formats +
      "\nExamples:\n"
      "  llmsweep import vllm-c1.json vllm-c8.json --gpus 8 -o h200.json\n"
      "  llmsweep import artifacts/ --system spec.yaml -o result.json\n"
      "  llmsweep import agg_bmk.json --only offloading=none --only ep=8 -o b300.json\n"
      "  llmsweep import c1.json c8.json c32.json --gpus 1 --lengths vary -o sharegpt.json\n"
      "  llmsweep import results/h200 --quality lm_eval.json -o h200-with-quality.json\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return import_command(*options, console); };
  });
}

}  // namespace llmsweep

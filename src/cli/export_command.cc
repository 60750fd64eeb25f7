#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/own_input.h"
#include "cli/read_results.h"
#include "cli/sharing.h"
#include "llmsweep/base/files.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/results/export.h"

namespace llmsweep {
namespace {

struct ExportCommandOptions {
  std::string result;
  std::string as;   // vllm-json, csv, llm-d-report
  std::string out;  // empty: stdout
  bool share = false;
};

int export_command(const ExportCommandOptions& options, Console& console) {
  refuse_own_inputs({options.out}, {options.result});
  SweepResult result = read_result_argument(options.result);
  if (options.share) result = sharing_of(result).result();
  std::string text;
  if (options.as == "csv") {
    text = levels_csv({&result, 1});
  } else if (options.as == "vllm-json") {
    text = export_vllm_json(result);
  } else {
    text = export_llm_d_report(result);
  }
  if (options.out.empty() || options.out == "-") {
    console.out << text;
  } else {
    write_file_atomically(options.out, text);
  }
  return kExitOk;
}

}  // namespace

void add_export(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ExportCommandOptions>();
  CLI::App* command = app.add_subcommand("export", "Write a result in another tool's format");
  command->add_option("RESULT", options->result, "result.json or its folder")
      ->type_name("FILE")
      ->required();
  command->add_option("--as", options->as, "vllm-json, csv or llm-d-report")
      ->required()
      ->check(CLI::IsMember({"vllm-json", "csv", "llm-d-report"}));
  command->add_option("-o,--out", options->out, "File to write; else standard output")
      ->type_name("FILE");
  add_share(*command, options->share);
  command->footer("Example:\n  llmsweep export results/h200 --as csv > levels.csv\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return export_command(*options, console); };
  });
}

}  // namespace llmsweep

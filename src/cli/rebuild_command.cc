#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/columns_option.h"
#include "cli/format_option.h"
#include "cli/print_result.h"
#include "cli/report_files.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/sweep/rebuild.h"
#include "llmsweep/sweep/sweep_folder.h"

namespace llmsweep {
namespace {

struct RebuildOptions {
  std::string folder;
  std::string format = "table";
  std::string columns;  // as --columns takes them; empty: the usual ones
};

int rebuild_command(const RebuildOptions& options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
  const std::filesystem::path folder = options.folder;
  require_sweep_folder(folder);
  const Rebuilt rebuilt = rebuild_result(folder);
  for (const std::string& line : rebuilt.notes) {
    console.err << "note: " << printable(line, 1000) << '\n';
  }
  write_result(folder / "result.json", rebuilt.result);
  write_file_atomically(folder / "figure.svg", figure_svg({&rebuilt.result, 1}));
  write_run_report(folder, rebuilt.result);
  if (options.format == kJsonFormat) {
    console.out << result_to_json(rebuilt.result) << '\n';
  } else {
    print_result(rebuilt.result, console);
    list_files(folder, console);
  }
  return kExitOk;
}

}  // namespace

void add_rebuild(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<RebuildOptions>();
  CLI::App* command = app.add_subcommand(
      "rebuild", "Make result.json, report.html and figure.svg anew from requests.jsonl");
  command->add_option("FOLDER", options->folder, "Folder that a run left")
      ->type_name("FOLDER")
      ->required();
  add_format(*command, options->format);
  add_columns(*command, options->columns);
  command->footer("Example:\n  llmsweep rebuild results/my-server\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return rebuild_command(*options, console); };
  });
}

}  // namespace llmsweep

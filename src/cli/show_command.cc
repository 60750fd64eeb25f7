#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/columns_option.h"
#include "cli/read_results.h"
#include "cli/target_option.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {

struct ShowOptions {
  std::string result;
  std::string format = "table";
  std::vector<std::string> targets;
  std::string columns;  // as --columns takes them; empty: the usual ones
};

int show_command(const ShowOptions& options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
  SweepResult result = read_result_argument(options.result);
  answer_targets(options.targets, result);
  if (options.format == "markdown") {
    console.out << markdown_report({&result, 1}, console.out_style.columns);
  } else if (options.format == "csv") {
    console.out << levels_csv({&result, 1});
  } else if (options.format == "json") {
    console.out << result_to_json(result) << '\n';
  } else {
    console.out << level_table(result, console.out_style);
    const std::vector<std::string> sentences = users_sentences(result);
    if (!sentences.empty()) console.out << '\n' << join(sentences, "\n") << '\n';
  }
  return kExitOk;
}

}  // namespace

void add_show(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Print a result's table again");
  command->add_option("RESULT", options->result, "result.json or its folder")
      ->type_name("FILE")
      ->required();
  command->add_option("--format", options->format, "table, markdown, csv or json")
      ->check(CLI::IsMember({"table", "markdown", "csv", "json"}))
      ->capture_default_str();
  add_targets(*command, options->targets);
  add_columns(*command, options->columns);
  command->footer(
      "Examples:\n"
      "  llmsweep show results/gb200\n"
      "  llmsweep show results/gb200 --target ttft:p90:500ms --format markdown\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return show_command(*options, console); };
  });
}

}  // namespace llmsweep

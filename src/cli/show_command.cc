#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <ostream>
#include <tuple>

#include "cli/columns_option.h"
#include "cli/print_result.h"
#include "cli/read_results.h"
#include "cli/target_option.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct ShowOptions {
  std::string result;
  std::string format = "table";
  std::vector<std::string> targets;
  std::string columns;  // as --columns takes them; empty: the usual ones
};

bool holds_a_result(const fs::path& folder) {
  return there_is(folder / "result.json") || there_is(folder / "sweep.jsonl");
}

// Of a folder that holds results and is none: the newest last. Those of other programs' folders
// in it are not looked for.
std::vector<ListedResult> results_below(const fs::path& folder) {
  std::vector<ListedResult> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory() || !holds_a_result(entry.path())) continue;
    ListedResult listed{.place = entry.path().filename().string(), .result = {}, .problem = {}};
    try {
      listed.result = read_result_argument(entry.path().string());
    } catch (const Error& error) {
      listed.problem = error.text().what;
    }
    found.push_back(std::move(listed));
  }
  std::sort(found.begin(), found.end(), [](const ListedResult& a, const ListedResult& b) {
    return std::tie(a.result.created_at, a.place) < std::tie(b.result.created_at, b.place);
  });
  return found;
}

int list_results(const ShowOptions& options, Console& console) {
  const std::vector<ListedResult> found = results_below(options.result);
  if (found.empty()) {
    throw Error({.what = "no result is in the folder or in the folders in it",
                 .where = printable(options.result, kPathBytes),
                 .next = "name a result.json, or a folder that a run left"});
  }
  if (options.format == "table" && options.targets.empty() && options.columns.empty()) {
    console.out << results_table(found, console.out_style);
    return kExitOk;
  }
  throw Error(
      {.what = "the folder holds several results",
       .where = printable(options.result, kPathBytes),
       .next = fmt::format(
           "name one, such as {}",
           printable((fs::path(options.result) / found.back().place).string(), kPathBytes))});
}

int show_command(const ShowOptions& options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
  if (is_folder(options.result) && !holds_a_result(options.result)) {
    return list_results(options, console);
  }
  SweepResult result = read_result_argument(options.result);
  answer_targets(options.targets, result);
  if (options.format == "markdown") {
    console.out << markdown_report({&result, 1}, console.out_style.columns);
  } else if (options.format == "csv") {
    console.out << levels_csv({&result, 1});
  } else if (options.format == "json") {
    console.out << result_to_json(result) << '\n';
  } else {
    console.out << level_table(result, console.out_style) << users_text(result, console.out_style);
  }
  return kExitOk;
}

}  // namespace

void add_show(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Print a result's table again");
  command
      ->add_option("RESULT", options->result,
                   "result.json, its folder, or a folder of such to list")
      ->type_name("FILE")
      ->required();
  command->add_option("--format", options->format, "table, markdown, csv or json")
      ->check(CLI::IsMember({"table", "markdown", "csv", "json"}))
      ->capture_default_str();
  add_targets(*command, options->targets);
  add_columns(*command, options->columns);
  command->footer(
      "Examples:\n"
      "  llmsweep show results                             a line a result\n"
      "  llmsweep show results/gb200\n"
      "  llmsweep show results/gb200 --target ttft:p90:500ms --format markdown\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return show_command(*options, console); };
  });
}

}  // namespace llmsweep

#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "cli/columns_option.h"
#include "cli/figure_files.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/target.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/figure.h"

namespace llmsweep {
namespace {

struct CompareCommandOptions {
  std::string baseline;
  std::vector<std::string> candidates;
  std::vector<std::string> targets;
  std::vector<std::string> allow_different;
  std::string format = "table";  // table, markdown, json, csv
  std::string figure;            // path of an SVG; empty: none
  double min_effect_percent = 3;
  double session_noise_percent = 1;
  bool full = false;
  std::string fail_on;  // "worse", or empty: never
  std::string columns;  // as --columns takes them; empty: the usual ones
};

std::string rendered(std::span<const Comparison> comparisons, const CompareCommandOptions& options,
                     const TableStyle& style) {
  const std::string& format = options.format;
  if (format == "markdown") return comparison_markdown(comparisons, style.columns);
  if (format == "json") return comparison_json(comparisons);
  if (format == "csv") return comparison_csv(comparisons);
  // Columns that are asked for are wanted whole.
  const bool full = options.full || !style.columns.empty();
  return comparison_table(comparisons, style, full ? CompareView::kFull : CompareView::kShort);
}

bool any_is_worse(const Comparison& comparison) {
  const auto worse = [](const std::optional<Ratio>& ratio) {
    return ratio && ratio->verdict == Verdict::kWorse;
  };
  const auto measure_is = [&](const ComparedMeasure& each) { return worse(each.ratio); };
  return std::any_of(comparison.sweep.begin(), comparison.sweep.end(), measure_is) ||
         std::any_of(comparison.levels.begin(), comparison.levels.end(),
                     [&](const LevelComparison& level) {
                       return std::any_of(level.measures.begin(), level.measures.end(), measure_is);
                     });
}

int compare_command(const CompareCommandOptions& options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kComparison);
  ComparisonOptions comparison{.allow_different = options.allow_different,
                               .min_effect = options.min_effect_percent / 100,
                               .session_noise = options.session_noise_percent / 100,
                               .measures = console.out_style.columns};
  for (const std::string& target : options.targets) {
    comparison.targets.push_back(parse_target(target));
  }
  std::vector<std::string> arguments = {options.baseline};
  arguments.insert(arguments.end(), options.candidates.begin(), options.candidates.end());
  std::vector<std::string> inputs;
  for (const std::string& argument : arguments) inputs.push_back(path_of(argument));
  require_svg(options.figure);
  refuse_own_inputs({options.figure}, inputs);
  const std::vector<SweepResult> results = read_result_arguments(arguments);
  const auto comparisons = compare_all(results.front(), std::span(results).subspan(1), comparison);
  console.out << rendered(comparisons, options, console.out_style);
  if (!options.figure.empty()) {
    write_file_atomically(options.figure, figure_svg(results));
    console.err << fmt::format("figure: {}\n", options.figure);
  }
  if (options.fail_on == "worse" &&
      std::any_of(comparisons.begin(), comparisons.end(), any_is_worse)) {
    return kExitGateFail;
  }
  return kExitOk;
}

}  // namespace

void add_compare(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CompareCommandOptions>();
  CLI::App* command = app.add_subcommand("compare", "Compare results with a baseline");
  command
      ->add_option("BASELINE", options->baseline, "result.json or its folder; NAME=FILE names it")
      ->type_name("FILE")
      ->required();
  command->add_option("CANDIDATE", options->candidates, "One or more, each against the baseline")
      ->type_name("FILE")
      ->required();
  command->add_option("--target", options->targets, "Users per GPU at e2e:p50:15s (repeatable)")
      ->type_name("METRIC:STATISTIC:LIMIT[+...]")
      ->allow_extra_args(false);
  command->add_option("--format", options->format, "table, markdown, json or csv")
      ->check(CLI::IsMember({"table", "markdown", "json", "csv"}))
      ->capture_default_str();
  command->add_flag("--full", options->full,
                    "Every table; else the headline, one, and what differs");
  command
      ->add_option("--fail-on", options->fail_on,
                   "worse: exit code 10 where a row is worse, after the\n"
                   "correction for their number")
      ->check(CLI::IsMember({"worse"}));
  command
      ->add_option("--allow-different", options->allow_different,
                   "Compare although this differs: " + join(comparable_fields(), ", "))
      ->type_name("FIELD")
      ->allow_extra_args(false);
  command
      ->add_option("--min-effect", options->min_effect_percent,
                   "Changes shown to be below this many percent are no difference")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command
      ->add_option("--session-noise", options->session_noise_percent,
                   "Percent by which two sessions of one system differ beside their repeats")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--figure", options->figure, "Draw the curves of all results (SVG)")
      ->type_name("FILE");
  add_columns(*command, options->columns);
  command->footer(
      "Examples:\n"
      "  llmsweep compare results/h200 results/gb200 --target e2e:p50:15s\n"
      "  llmsweep compare main=results/x branch=results/x-2 --fail-on worse\n"
      "  llmsweep compare main.json branch.json --format markdown > comment.md\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return compare_command(*options, console); };
  });
}

}  // namespace llmsweep

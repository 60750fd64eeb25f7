#include "llmsweep/analysis/compare.h"

#include <fmt/format.h>

#include <ostream>

#include "cli/commands.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "llmsweep/base/files.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/spec/spec.h"

namespace llmsweep {
namespace {

std::string rendered(std::span<const Comparison> comparisons, const std::string& format,
                     const TableStyle& style) {
  if (format == "markdown") return comparison_markdown(comparisons);
  if (format == "json") return comparison_json(comparisons);
  if (format == "csv") return comparison_csv(comparisons);
  return comparison_table(comparisons, style);
}

}  // namespace

int compare_command(const CompareCommandOptions& options, Console& console) {
  ComparisonOptions comparison{.allow_different = options.allow_different,
                               .min_effect = options.min_effect_percent / 100};
  for (const std::string& target : options.targets) {
    comparison.targets.push_back(parse_target(target));
  }
  std::vector<std::string> inputs = options.candidates;
  inputs.push_back(options.baseline);
  refuse_own_inputs({options.figure}, inputs);
  std::vector<SweepResult> results = {read_result_argument(options.baseline)};
  for (const std::string& candidate : options.candidates) {
    results.push_back(read_result_argument(candidate));
  }
  const auto comparisons = compare_all(results.front(), std::span(results).subspan(1), comparison);
  console.out << rendered(comparisons, options.format, console.out_style);
  if (!options.figure.empty()) {
    write_file_atomically(options.figure, figure_svg(results));
    console.err << fmt::format("figure: {}\n", options.figure);
  }
  return kExitOk;
}

}  // namespace llmsweep

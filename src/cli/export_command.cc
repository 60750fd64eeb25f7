#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <ostream>

#include "cli/export_requests.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "cli/sharing.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/results/export.h"
#include "llmsweep/results/export_series.h"

namespace llmsweep {
namespace {

struct ExportCommandOptions {
  std::string result;
  std::string as;   // a format's name
  std::string out;  // empty: stdout
  bool share = false;
};

struct ExportFormat {
  const char* name;
  std::string (*write)(const SweepResult&);
  bool points = false;  // a level that cannot be trusted is none of its points
};

constexpr ExportFormat kFormats[] = {
    {"vllm-json", export_vllm_json},
    {"csv",
     [](const SweepResult& result) {
       return levels_csv({&result, 1});
     }},
    {"llm-d-report", export_llm_d_report},
    {"mlperf-endpoints", export_mlperf_endpoints},
    {"bencher", export_bencher, true},
    {"github-benchmark-smaller",
     [](const SweepResult& result) {
       return export_github_benchmark(result, Direction::kLowerIsBetter);
     },
     true},
    {"github-benchmark-bigger",
     [](const SweepResult& result) {
       return export_github_benchmark(result, Direction::kHigherIsBetter);
     },
     true},
    {"openmetrics", export_openmetrics},
};

constexpr const char* kRequestsCsv = "requests-csv";  // of the records, not of the result

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const ExportFormat& format : kFormats) names.emplace_back(format.name);
  names.emplace_back(kRequestsCsv);
  return names;
}

const ExportFormat& format_named(const std::string& name) {
  return *std::find_if(std::begin(kFormats), std::end(kFormats),
                       [&name](const ExportFormat& format) { return format.name == name; });
}

// A sweep without a single level that can be trusted leaves nothing to follow over time.
void say_what_is_left_out(const SweepResult& result, Console& console) {
  std::vector<std::string> left_out;
  for (const LoadPoint& point : levels_without_points(result)) left_out.push_back(name_of(point));
  if (left_out.empty()) return;
  if (left_out.size() == result.levels.size()) {
    throw Error({.what = "no level of it is valid: there is nothing to follow over time",
                 .where = result.name,
                 .next = "see the reasons with 'llmsweep show'"});
  }
  console.err << "note: INVALID and left out, but for figures that its reasons do not concern: "
              << join(left_out, ", ") << '\n';
}

int export_command(const ExportCommandOptions& options, Console& console) {
  refuse_own_inputs({options.out}, {options.result});
  SweepResult result = read_result_argument(options.result);
  if (options.as == kRequestsCsv) {
    const Sharing sharing = sharing_of(result);
    export_requests(options.result, options.out, options.share ? &sharing : nullptr, console);
    return kExitOk;
  }
  if (options.share) result = sharing_of(result).result();
  const ExportFormat& format = format_named(options.as);
  if (format.points) say_what_is_left_out(result, console);
  const std::string text = format.write(result);
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
  command->add_option("--as", options->as, join(format_names(), ", "))
      ->required()
      ->check(CLI::IsMember(format_names()));
  command->add_option("-o,--out", options->out, "File to write; else standard output")
      ->type_name("FILE");
  add_share(*command, options->share);
  command->footer(
      "For time series: bencher is Bencher's metric format; github-benchmark-smaller and -bigger\n"
      "are github-action-benchmark's customSmallerIsBetter and customBiggerIsBetter; openmetrics\n"
      "is a text file for Prometheus. mlperf-endpoints has the keys of MLPerf Endpoints'\n"
      "result_summary.json, a line a level, and is not an MLPerf result. requests-csv is a line a\n"
      "request of the run's requests.jsonl, with its latencies and the time of day.\n\n"
      "Examples:\n"
      "  llmsweep export results/h200 --as csv > levels.csv\n"
      "  llmsweep export results/h200 --as requests-csv -o requests.csv\n"
      "  llmsweep export results/h200 --as github-benchmark-smaller -o latencies.json\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return export_command(*options, console); };
  });
}

}  // namespace llmsweep

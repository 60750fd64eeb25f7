#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/columns_option.h"
#include "cli/figure_files.h"
#include "cli/format_option.h"
#include "cli/own_input.h"
#include "cli/png.h"
#include "cli/read_results.h"
#include "cli/report_files.h"
#include "cli/sharing.h"
#include "cli/target_option.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/report/html.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> results;
  std::string html, figure, png, figures, markdown, csv;  // paths; "-": stdout where it is text
  std::string kind = "throughput-latency";
  std::string x_scale, y_scale;  // linear, log; empty: what suits
  std::string title;
  std::vector<std::string> targets;
  std::vector<std::string> allow_different;
  bool share = false;
  std::string format = "text";
  std::string columns;  // as --columns takes them; empty: the usual ones
};

std::optional<AxisScale> scale_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return name == "log" ? AxisScale::kLog : AxisScale::kLinear;
}

// Writes the files that are asked for, and says which at the end.
class Writer {
 public:
  explicit Writer(Console& console) : console_(console) {}

  void write(const std::string& path, const std::string& text) {
    if (path == "-") {
      console_.out << text;
      return;
    }
    write_file_atomically(path, text);
    files_.push_back(path);
  }
  void list(bool as_json) const {
    if (as_json) {
      console_.out << nlohmann::json{{"files", files_}}.dump(
                          1, ' ', false, nlohmann::json::error_handler_t::replace)
                   << '\n';
      return;
    }
    for (const std::string& file : files_) console_.out << printable(file, 4096) << '\n';
  }

 private:
  Console& console_;
  std::vector<std::string> files_;
};

// Unlike workloads are still shown side by side, each by itself: `not_compared` says why.
std::vector<Comparison> comparisons_of(const std::vector<SweepResult>& results,
                                       const ReportOptions& options, Console& console,
                                       std::string& not_compared) {
  if (results.size() < 2) return {};
  try {
    return compare_all(results.front(), std::span(results).subspan(1),
                       {.allow_different = options.allow_different});
  } catch (const Error& error) {
    console.err << "note: the report holds no comparison: " << error.what() << '\n';
    not_compared = error.text().what;
    return {};
  }
}

// An error may name the endpoint.
void share_errors(const SweepResult& result, std::vector<RunRequests>& runs) {
  const Sharing sharing = sharing_of(result);
  for (RunRequests& run : runs) {
    for (std::string& error : run.errors) error = sharing.text(error);
  }
}

// `read` are the results as their files hold them, `results` as the report shows them.
HtmlInput html_input(const ReportOptions& options, const std::vector<SweepResult>& read,
                     const std::vector<SweepResult>& results, Console& console) {
  HtmlInput input{.results = results, .title = options.title};
  for (size_t i = 0; i < results.size(); ++i) {
    input.result_json.push_back(result_to_json(results[i]));
    if (const int64_t unreadable = add_run_files(options.results[i], input)) {
      console.err << fmt::format("note: {} lines of {}/requests.jsonl cannot be read\n", unreadable,
                                 printable(options.results[i]));
    }
    if (options.share) share_errors(read[i], input.requests.back());
  }
  return input;
}

FigureOptions figure_options(const ReportOptions& options, FigureKind kind) {
  return {.kind = kind,
          .x_scale = scale_of(options.x_scale),
          .y_scale = scale_of(options.y_scale),
          .title = options.title};
}

void write_figures(const ReportOptions& options, const std::vector<SweepResult>& results,
                   Writer& writer) {
  if (!options.png.empty()) {
    constexpr double kZoom = 2;  // 1,920 pixels wide
    const FigureKind kind = *figure_kind_from_name(options.kind);
    writer.write(options.png,
                 png_of_svg(figure_svg(results, figure_options(options, kind)), kZoom));
  }
  if (!options.figure.empty()) {
    const FigureKind kind = *figure_kind_from_name(options.kind);
    writer.write(options.figure, figure_svg(results, figure_options(options, kind)));
  }
  if (options.figures.empty()) return;
  std::error_code failed;
  fs::create_directories(options.figures, failed);
  if (failed) {
    throw Error({.what = "cannot create the folder: " + failed.message(),
                 .where = printable(options.figures),
                 .next = "give --figures a folder that can be written"});
  }
  for (const std::string& name : figure_kind_names()) {
    const FigureOptions figure{.kind = *figure_kind_from_name(name),
                               .x_scale = scale_of(options.x_scale),
                               .y_scale = scale_of(options.y_scale)};
    writer.write((fs::path(options.figures) / (name + ".svg")).string(),
                 figure_svg(results, figure));
  }
}

int report_command(ReportOptions options, Console& console) {
  require_svg(options.figure);
  require_png(options.png);
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
  std::vector<SweepResult> results = read_result_arguments(options.results);
  for (std::string& argument : options.results) argument = path_of(argument);
  refuse_own_inputs({options.html, options.figure, options.png, options.markdown, options.csv},
                    options.results);
  for (SweepResult& result : results) answer_targets(options.targets, result);
  const std::vector<SweepResult> read = results;
  if (options.share) {
    for (SweepResult& result : results) result = sharing_of(result).result();
  }
  const bool nothing_asked = options.html.empty() && options.figure.empty() &&
                             options.png.empty() && options.figures.empty() &&
                             options.markdown.empty() && options.csv.empty();
  if (nothing_asked) {
    const bool one_folder = options.results.size() == 1 && is_folder(options.results[0]);
    options.html = one_folder ? (fs::path(options.results[0]) / "report.html").string()
                              : std::string("report.html");
  }
  Writer writer(console);
  write_figures(options, results, writer);
  std::string not_compared;
  std::vector<Comparison> comparisons;
  if (!options.markdown.empty() || !options.html.empty()) {
    comparisons = comparisons_of(results, options, console, not_compared);
  }
  if (!options.markdown.empty()) {
    std::string text = markdown_report(results, console.out_style.columns);
    if (!comparisons.empty()) text += "\n" + comparison_markdown(comparisons);
    writer.write(options.markdown, text);
  }
  if (!options.csv.empty()) writer.write(options.csv, levels_csv(results));
  if (!options.html.empty()) {
    HtmlInput input = html_input(options, read, results, console);
    input.not_compared = not_compared;
    input.comparisons = comparisons;
    input.columns = console.out_style.columns;
    writer.write(options.html, html_report(input));
  }
  writer.list(options.format == kJsonFormat);
  return kExitOk;
}

}  // namespace

void add_report(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand("report", "Write figures and reports of results");
  command
      ->add_option("RESULT", options->results,
                   "result.json or its folder, one or more; NAME=FILE names it")
      ->type_name("FILE")
      ->required();
  command->add_option("--html", options->html, "The interactive report, one file")
      ->type_name("FILE");
  command->add_option("--figure", options->figure, "One figure (SVG)")->type_name("FILE");
  command
      ->add_option("--png", options->png, "The same as PNG, by rsvg-convert where it is installed")
      ->type_name("FILE");
  command->add_option("--kind", options->kind, join(figure_kind_names(), ", "))
      ->check(CLI::IsMember(figure_kind_names()))
      ->capture_default_str();
  command->add_option("--figures", options->figures, "Every kind of figure into this folder")
      ->type_name("FOLDER");
  command->add_option("--x-scale", options->x_scale, "linear or log; else what suits")
      ->check(CLI::IsMember({"linear", "log"}));
  command->add_option("--y-scale", options->y_scale, "linear or log; else what suits")
      ->check(CLI::IsMember({"linear", "log"}));
  command->add_option("--title", options->title, "Title of the figure and of the report");
  command->add_option("--markdown", options->markdown, "For pull requests; -: stdout")
      ->type_name("FILE");
  command->add_option("--csv", options->csv, "For spreadsheets; -: stdout")->type_name("FILE");
  add_targets(*command, options->targets);
  command
      ->add_option("--allow-different", options->allow_different,
                   "Compare although this differs: " + join(comparable_fields(), ", "))
      ->type_name("FIELD")
      ->allow_extra_args(false);
  add_share(*command, options->share);
  add_format(*command, options->format);
  add_columns(*command, options->columns);
  command->footer(
      "Examples:\n"
      "  llmsweep report results/gb200                     writes results/gb200/report.html\n"
      "  llmsweep report results/h200 results/gb200 --html compare.html --figure compare.svg\n"
      "  llmsweep report results/gb200 --figure f.svg --kind gpu-throughput-speed\n\n"
      "Several results: the first is the baseline. Requests are drawn where a folder holds\n"
      "requests.jsonl. Everything opens offline. --share: what the spec says of the system and "
      "the\n"
      "workload stays, with the file names of the dataset, the tokenizer and the profile.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return report_command(*options, console); };
  });
}

}  // namespace llmsweep

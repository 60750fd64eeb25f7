#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/own_input.h"
#include "cli/read_results.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/simulator/fit.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {
namespace {

struct CalibrateCommandOptions {
  std::vector<std::string> inputs;  // results, whose levels are taken together; or a file of points
  std::string output;               // empty: standard output
  std::string start;  // a profile whose other settings are kept; empty: derived from the result
  std::vector<std::string> parameters;
  double max_error_percent = 10;
};

constexpr double kMostCoalesced = 0.01;
constexpr double kSurelySeveral = 1.02;  // tokens a step; below: an end-of-sequence token and such

bool is_points_file(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// As its spec says, which imported files have none of.
Duration spread_starts_of(const SweepResult& result) {
  const nlohmann::json spec = nlohmann::json::parse(result.spec_json, nullptr, false);
  const nlohmann::json::json_pointer key("/load/spread_starts");
  if (!spec.is_object() || !spec.contains(key) || !spec[key].is_string()) return {};
  return parse_duration(spec[key].get<std::string>()).value_or(Duration(0));
}

// The valid levels of a result.
std::vector<FitPoint> points_of(const SweepResult& result) {
  std::vector<FitPoint> points;
  for (const LevelStats& level : result.levels) {
    const RunStats& stats = level.pooled;
    if (!stats.valid || level.point.concurrency() == 0) continue;
    double input = stats.input_tokens_mean.value_or(0);
    if (input == 0 && result.workload.input_tokens) {
      input = static_cast<double>(result.workload.input_tokens->fixed);
    }
    FitPoint point{.concurrency = level.point.concurrency(),
                   .input_tokens = std::llround(input),
                   .output_tokens = std::llround(stats.output_tokens_mean.value_or(0)),
                   .spread_starts = spread_starts_of(result),
                   .e2e_ms = figure_of(level, measure_of("e2e")).value,
                   .ttft_ms = figure_of(level, measure_of("ttft")).value,
                   .tpot_ms = figure_of(level, measure_of("tpot")).value,
                   .throughput_tps = stats.steady_output_throughput_tps,
                   .source = "measured"};
    // A chunk that shared its read with another has no gap of its own.
    const bool gaps_are_steps = stats.client.coalesced_fraction < kMostCoalesced;
    if (stats.icl.count > 0 && gaps_are_steps) point.icl_ms = stats.icl.mean;
    if (point.input_tokens > 0 && point.output_tokens > 0) points.push_back(point);
  }
  return points;
}

// What a result says of the engine beside its costs.
SimulatorProfile start_from(const SweepResult& result) {
  SimulatorProfile profile;
  profile.name = result.name;
  if (!result.model.empty()) profile.model = result.model;
  if (result.system.max_batch_size) profile.engine.max_batch_size = *result.system.max_batch_size;
  double tokens = 0;
  double chunks = 0;
  for (const LevelStats& level : result.levels) {
    const RunStats& stats = level.pooled;
    if (!stats.valid) continue;
    const auto requests = static_cast<double>(stats.requests.completed.value_or(0));
    const double per_chunk = std::max(1.0, stats.client.tokens_per_chunk);
    // The first chunk holds the prefill's token alone.
    const double output = stats.output_tokens_mean.value_or(0);
    tokens += requests * (output - 1);
    chunks += requests * (output / per_chunk - 1);
  }
  const double mean = chunks > 0 ? tokens / chunks : 1;
  if (mean > kSurelySeveral) {
    profile.engine.tokens_per_step =
        tokens_per_step(mean, static_cast<int>(std::ceil(mean - 1 - 1e-9)));
  }
  return profile;
}

FitInput read_results(const std::vector<std::string>& paths) {
  FitInput input;
  for (const std::string& path : paths) {
    if (is_points_file(path)) {
      throw Error({.what = "a file of points is taken alone", .where = path, .next = {}});
    }
    const SweepResult result = read_result_argument(path);
    if (path == paths.front()) input.start = start_from(result);
    const std::vector<FitPoint> points = points_of(result);
    if (points.empty()) {
      throw Error({.what = "no valid level with a concurrency and lengths to fit to",
                   .where = path,
                   .next = "`llmsweep show` says why levels are invalid"});
    }
    input.points.insert(input.points.end(), points.begin(), points.end());
  }
  return input;
}

FitInput read_input(const CalibrateCommandOptions& options) {
  const bool points = options.inputs.size() == 1 && is_points_file(options.inputs.front());
  FitInput input = points ? read_fit_input(options.inputs.front()) : read_results(options.inputs);
  if (!options.start.empty()) {
    const std::string name = input.start.name;
    input.start = read_profile(options.start);
    input.start.name = name;
  }
  return input;
}

std::string names_of(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    const std::filesystem::path whole = std::filesystem::path(path).lexically_normal();
    names.push_back((whole.has_filename() ? whole : whole.parent_path()).filename().string());
  }
  return join(names, ", ");
}

std::vector<FitParameter> parameters_of(const std::vector<std::string>& names) {
  std::vector<FitParameter> parameters;
  for (FitParameter parameter : kFitParameters) {
    if (std::find(names.begin(), names.end(), name_of(parameter)) != names.end()) {
      parameters.push_back(parameter);
    }
  }
  return parameters;
}

std::vector<std::string> fit_report(const Fit& fit, const std::vector<FitPoint>& points) {
  std::vector<std::string> lines;
  for (const FittedFigure& figure : fit.figures) {
    const FitPoint& point = points[figure.point];
    lines.push_back(fmt::format("c={} {}/{} {}: {} {}, fitted {} ({:+.1f} %)", point.concurrency,
                                point.input_tokens, point.output_tokens, figure.metric,
                                point.source.empty() ? "given" : printable(point.source),
                                format_significant(figure.measured, 5),
                                format_significant(figure.fitted, 5), figure.error() * 100));
  }
  lines.push_back(fmt::format("mean absolute error {:.2f} %", fit.mape * 100));
  return lines;
}

int calibrate_command(const CalibrateCommandOptions& options, Console& console) {
  std::vector<std::string> inputs = options.inputs;
  inputs.push_back(options.start);
  refuse_own_inputs({options.output}, inputs);
  const FitInput input = read_input(options);
  const Fit fit = fit_profile(
      input.points, {.start = input.start, .parameters = parameters_of(options.parameters)});
  const std::vector<std::string> lines = fit_report(fit, input.points);
  for (const std::string& line : lines) console.err << line << '\n';
  if (fit.mape * 100 > options.max_error_percent) {
    throw MeasurementError(
        {.what = fmt::format("the fit's mean error is {:.1f} %, above {} %", fit.mape * 100,
                             options.max_error_percent),
         .where = join(options.inputs, ", "),
         .next = "the engine's model does not explain these points; --max-error allows it"});
  }
  std::string fitted =
      "Fitted by `llmsweep calibrate` to " + printable(names_of(options.inputs), 1000) + ":";
  for (FitParameter parameter : fit.parameters) fitted += fmt::format(" {}", name_of(parameter));
  std::vector<std::string> comment = {fitted + "."};
  comment.insert(comment.end(), lines.begin(), lines.end());
  const std::string yaml = profile_yaml(fit.profile, comment);
  if (options.output.empty()) {
    console.out << yaml;
  } else {
    write_file_atomically(options.output, yaml);
  }
  return kExitOk;
}

}  // namespace

void add_calibrate(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CalibrateCommandOptions>();
  CLI::App* command =
      app.add_subcommand("calibrate", "Fit a simulator profile to a result or to published points");
  std::vector<std::string> names;
  for (FitParameter parameter : kFitParameters) {
    names.emplace_back(name_of(parameter));
  }
  command
      ->add_option("INPUT", options->inputs,
                   "Results (result.json or its folder) of one system, or one file of points as in "
                   "configs/simulators/inputs")
      ->type_name("FILE")
      ->required();
  command->add_option("-o,--output", options->output, "Where the profile goes; else to stdout")
      ->type_name("FILE");
  command
      ->add_option("--start", options->start,
                   "A profile whose other settings are kept (dialect, tokens a step, …)")
      ->type_name("FILE");
  command
      ->add_option("--fit", options->parameters,
                   "Fit this cost (repeatable; else what the "
                   "points can tell apart)")
      ->check(CLI::IsMember(names))
      ->allow_extra_args(false);
  command
      ->add_option("--max-error", options->max_error_percent,
                   "Refuse a fit with a mean error above this many percent")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  llmsweep calibrate results/h200 -o h200.yaml\n"
      "  llmsweep calibrate results/h200-short results/h200-long -o h200.yaml\n"
      "  llmsweep calibrate configs/simulators/inputs/gb200-nvfp4.yaml -o gb200.yaml\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return calibrate_command(*options, console); };
  });
}

}  // namespace llmsweep

#include "llmsweep/report/markdown.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/report/table.h"
#include "llmsweep/stats/level_figure.h"
#include "report/cells.h"
#include "report/escape.h"

namespace llmsweep {
namespace {

// A line under construction: names once, then values in the same order.
struct Field {
  std::string name;
  std::string value;
};
using Line = std::vector<Field>;

std::string cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}
std::string cell(const std::optional<double>& value) {
  return value ? cell(*value) : "";
}
std::string cell(const std::optional<int64_t>& count) {
  return count ? std::to_string(*count) : "";
}

void add_interval(Line& line, const std::string& name, const std::optional<Interval>& interval) {
  line.push_back({name + "_low", interval ? cell(interval->low) : ""});
  line.push_back({name + "_high", interval ? cell(interval->high) : ""});
}

void add_distribution(Line& line, const std::string& name, const Distribution& distribution) {
  for (const Statistic statistic : all_values<Statistic>()) {
    line.push_back({name + "_" + std::string(name_of(statistic)),
                    cell(statistic_of(distribution, statistic))});
  }
  line.push_back({name + "_min", cell(distribution.min)});
  line.push_back({name + "_max", cell(distribution.max)});
}

void add_number(Line& line, const LevelStats& level, const Quantity& quantity) {
  line.push_back({std::string(quantity.result_key), cell(stored_value(level.pooled, quantity))});
  if (quantity.between_runs == nullptr) return;
  add_interval(line, std::string(quantity.between_runs_key), level.*quantity.between_runs);
}

void add_latency(Line& line, const LevelStats& level, const Quantity& quantity) {
  const std::string name(quantity.result_key);
  const Distribution& distribution = level.pooled.*quantity.distribution;
  add_distribution(line, name, distribution);
  line.push_back({name + "_p50_of_level", cell(figure_of(level, {&quantity}).value)});
  if (quantity.between_runs == nullptr) return;
  add_interval(line, name + "_p50_ci95_within_run", distribution.p50_ci95);
  add_interval(line, std::string(quantity.between_runs_key), level.*quantity.between_runs);
}

template <class Kind>
std::string names(const std::vector<Kind>& kinds) {
  std::vector<std::string> parts;
  for (const Kind kind : kinds) parts.emplace_back(name_of(kind));
  return join(parts, " ");
}

// "itl:p99=client_delay+gaps_left_out ttft:p50=client_delay"
std::string validity_text(const Validity& validity) {
  std::vector<std::string> parts;
  for (const auto& [key, reasons] : validity) {
    std::vector<std::string> why;
    for (const InvalidReason reason : reasons) why.emplace_back(name_of(reason));
    parts.push_back(key + "=" + join(why, "+"));
  }
  return report::csv_text(join(parts, " "));
}

void add_system(Line& line, const SweepResult& result) {
  const SystemSpec& system = result.system;
  line.push_back({"name", report::csv_text(result.name)});
  line.push_back({"model", report::csv_text(result.model)});
  line.push_back({"source", std::string(name_of(result.source))});
  line.push_back({"marks", join(marks_of(result), " ")});
  line.push_back({"accelerator", report::csv_text(system.accelerator)});
  line.push_back({"gpus", system.gpus > 0 ? std::to_string(system.gpus) : ""});
  line.push_back({"precision", report::csv_text(system.precision)});
  line.push_back({"engine", report::csv_text(system.engine)});
  line.push_back({"engine_version", report::csv_text(system.engine_version)});
}

// `step`: of a profile; empty: the level itself.
Line line_of(const SweepResult& result, const LevelStats& level, const std::string& step = {}) {
  const RunStats& run = level.pooled;
  Line line;
  add_system(line, result);
  line.push_back({"concurrency", report::csv_concurrency(level.point)});
  line.push_back({"load_point", level.point.known() ? name_of(level.point) : ""});
  line.push_back({"state", report::state_text(level)});
  line.push_back({"profile_step", report::csv_text(step)});
  line.push_back({"repeats", std::to_string(level.runs.size())});
  line.push_back({"valid", run.valid ? "true" : "false"});
  line.push_back({"invalid_reasons", names(run.invalid_reasons)});
  line.push_back({"warnings", names(run.warnings)});
  line.push_back({"validity", validity_text(run.validity)});
  line.push_back({"requests_completed", cell(run.requests.completed)});
  line.push_back({"requests_failed", cell(run.requests.failed)});
  for (const Quantity& quantity : quantities()) {
    if (quantity.stored() && quantity.distribution == nullptr) add_number(line, level, quantity);
  }
  for (const Quantity& quantity : quantities()) {
    if (quantity.distribution != nullptr) add_latency(line, level, quantity);
  }
  line.push_back({"client_busy_fraction", cell(run.client.busy_fraction)});
  return line;
}

std::string rendered(const Line& line, std::string Field::*member) {
  std::vector<std::string> fields;
  for (const Field& field : line) fields.push_back(field.*member);
  return join(fields, ",") + "\r\n";
}

}  // namespace

std::string levels_csv(std::span<const SweepResult> results) {
  std::string text = rendered(line_of({}, {}), &Field::name);
  for (const SweepResult& result : results) {
    for (const LevelStats& level : result.levels) {
      text += rendered(line_of(result, level), &Field::value);
    }
    for (const auto& [name, level] : report::lines_of_steps(result, false).lines) {
      text += rendered(line_of(result, *level, name), &Field::value);
    }
  }
  return text;
}

}  // namespace llmsweep

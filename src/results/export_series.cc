#include "llmsweep/results/export_series.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

using SeriesJson = nlohmann::ordered_json;

struct SeriesPoint {
  const LevelStats& level;
  Measure measure;
  LevelFigure figure;
};

// What is compared, and the tails that the page shows.
std::vector<Measure> series_measures() {
  std::vector<Measure> measures;
  for (const Quantity& quantity : quantities()) {
    if (!quantity.of_level() || !quantity.better || !quantity.shown.compared) continue;
    for (const Statistic statistic : all_values<Statistic>()) {
      const bool plain = quantity.distribution == nullptr;
      const bool shown = statistic == Statistic::kP50 ||
                         (!plain && (quantity.shown.page & bit_of(statistic)) != 0);
      if (shown) measures.push_back({&quantity, statistic});
    }
  }
  return measures;
}

template <class Wanted>
std::vector<SeriesPoint> points_where(const SweepResult& result, Wanted wanted) {
  std::vector<SeriesPoint> points;
  for (const Measure& measure : series_measures()) {
    for (const LevelStats& level : result.levels) {
      LevelFigure figure = figure_of(level, measure);
      if (!figure.value || !std::isfinite(*figure.value) || !wanted(level, measure)) continue;
      points.push_back({level, measure, std::move(figure)});
    }
  }
  return points;
}

std::vector<SeriesPoint> trusted_points(const SweepResult& result) {
  return points_where(result, [](const LevelStats& level, const Measure& measure) {
    return can_be_judged(level, measure);
  });
}

std::string level_title(const SweepResult& result, const LevelStats& level) {
  return fmt::format("{} {}{}", result.name.empty() ? "sweep" : result.name, name_of(level.point),
                     result.simulated ? " (simulated)" : "");
}

std::string unit_text(const Measure& measure) {
  return std::string(name_of(measure.quantity->unit));
}

std::string dumped(const SeriesJson& json) {
  return json.dump(1, ' ', false, SeriesJson::error_handler_t::replace) + "\n";
}

// ---- OpenMetrics.

struct BaseUnit {
  const char* suffix;  // of the name; "seconds" and "ratio" are units of OpenMetrics as well
  double factor;
  const char* unit;  // empty: none that is declared
};

BaseUnit base_unit(Unit unit) {
  switch (unit) {
    case Unit::kMilliseconds:
      return {"seconds", 1e-3, "seconds"};
    case Unit::kSeconds:
      return {"seconds", 1, "seconds"};
    case Unit::kShare:
      return {"ratio", 1, "ratio"};
    case Unit::kTokensPerSecond:
      return {"tokens_per_second", 1, ""};
    case Unit::kTokensPerSecondPerMs:
      return {"tokens_per_second_per_ms", 1, ""};
    case Unit::kRequestsPerSecond:
      return {"requests_per_second", 1, ""};
    case Unit::kInputsPerSecond:
      return {"inputs_per_second", 1, ""};
    case Unit::kJoulesPerToken:
      return {"joules", 1, "joules"};
    case Unit::kTokensPerSecondPerMw:
      return {"tokens_per_second_per_megawatt", 1, ""};
    case Unit::kRequests:
    case Unit::kTokens:
    case Unit::kUsers:
    case Unit::kUsersPerGpu:
    case Unit::kScore:
    case Unit::kMoney:
      return {"", 1, ""};
  }
  return {"", 1, ""};
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\' || c == '"') safe += '\\';
    if (c == '\n') {
      safe += "\\n";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string labels_of(const SweepResult& result, const LevelStats& level) {
  std::string labels = fmt::format("name=\"{}\",model=\"{}\",level=\"{}\"", escaped(result.name),
                                   escaped(result.model), escaped(name_of(level.point)));
  if (result.simulated) labels += ",simulated=\"true\"";
  return labels;
}

// " 1795320306" of "2026-11-22T04:05:06Z"; empty: not known.
std::string instant_of(const std::string& created_at) {
  const std::optional<Duration> instant = parse_utc_timestamp(created_at);
  if (!instant) return {};
  return fmt::format(" {}", std::chrono::floor<std::chrono::seconds>(*instant).count());
}

std::string family_head(const std::string& name, const BaseUnit& unit, std::string_view help) {
  std::string text = fmt::format("# TYPE {} gauge\n", name);
  if (*unit.unit != '\0') text += fmt::format("# UNIT {} {}\n", name, unit.unit);
  return text + fmt::format("# HELP {} {}\n", name, escaped(help));
}

}  // namespace

std::string export_bencher(const SweepResult& result) {
  SeriesJson json = SeriesJson::object();
  for (const SeriesPoint& point : trusted_points(result)) {
    std::string slug = data_key_of(point.measure);
    for (char& c : slug) c = c == '_' ? '-' : c;
    SeriesJson& metric = json[level_title(result, point.level)][slug];
    metric["value"] = *point.figure.value;
    if (point.figure.ci95) {
      metric["lower_value"] = point.figure.ci95->low;
      metric["upper_value"] = point.figure.ci95->high;
    }
  }
  return dumped(json);
}

std::string export_github_benchmark(const SweepResult& result, Direction better) {
  SeriesJson json = SeriesJson::array();
  for (const SeriesPoint& point : trusted_points(result)) {
    if (point.measure.quantity->better != better) continue;
    SeriesJson entry = {{"name", level_title(result, point.level) + ": " + title_of(point.measure)},
                        {"unit", unit_text(point.measure)},
                        {"value", *point.figure.value}};
    if (point.figure.ci95) {
      entry["range"] = fmt::format(
          "± {}", format_significant((point.figure.ci95->high - point.figure.ci95->low) / 2));
    }
    entry["extra"] = join(marks_of(result), ", ");
    if (entry["extra"] == "") entry.erase("extra");
    json.push_back(std::move(entry));
  }
  return dumped(json);
}

std::string export_openmetrics(const SweepResult& result) {
  const std::string instant = instant_of(result.created_at);
  std::string text;
  std::string family;
  const auto all = points_where(result, [](const LevelStats&, const Measure&) { return true; });
  for (const SeriesPoint& point : all) {
    const Quantity& quantity = *point.measure.quantity;
    const BaseUnit unit = base_unit(quantity.unit);
    std::string name = "llmsweep_" + std::string(quantity.key);
    if (*unit.suffix != '\0') name += std::string("_") + unit.suffix;
    if (name != family) text += family_head(name, unit, quantity.title);
    family = name;
    std::string labels = labels_of(result, point.level);
    if (quantity.distribution != nullptr) {
      labels += fmt::format(",statistic=\"{}\"", name_of(point.measure.statistic));
    }
    text +=
        fmt::format("{}{{{}}} {}{}\n", name, labels, *point.figure.value * unit.factor, instant);
  }
  text += family_head("llmsweep_level_valid", {"", 1, ""}, "1 where the level can be trusted");
  for (const LevelStats& level : result.levels) {
    text += fmt::format("llmsweep_level_valid{{{}}} {}{}\n", labels_of(result, level),
                        level.pooled.valid ? 1 : 0, instant);
  }
  return text + "# EOF\n";
}

std::vector<LoadPoint> levels_without_points(const SweepResult& result) {
  std::vector<LoadPoint> points;
  for (const LevelStats& level : result.levels) {
    if (!level.pooled.valid) points.push_back(level.point);
  }
  return points;
}

}  // namespace llmsweep

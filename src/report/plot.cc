#include "report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/table.h"
#include "report/cells.h"

namespace llmsweep::report {
namespace {

Figure figure_at(const SweepResult& result, const LevelStats& level, std::string_view key) {
  return {level, measure_of(key), result.source};
}

std::string tooltip(const SweepResult& result, const LevelStats& level) {
  std::string text = fmt::format("{}, {}", result.name, text_of(level.point));
  const std::string_view key = throughput_key(result);
  const Figure throughput = figure_at(result, level, key);
  const Figure e2e = figure_at(result, level, "e2e");
  if (throughput.value) {
    text += fmt::format(": {} {} tokens/s", format_significant(*throughput.value),
                        key == "throughput" ? "output" : "input");
  }
  if (e2e.value || e2e.at_most) text += ", median E2E " + figure_text(e2e) + " ms";
  if (e2e.ci95) text += " " + interval_text(e2e);
  if (!level.pooled.is_settled()) text += ", " + state_text(level);
  if (!level.pooled.valid) text += ", INVALID";
  return text;
}

const UsersAtTarget* first_users(const SweepResult& result) {
  return result.users_at_target.empty() ? nullptr : &result.users_at_target.front();
}

bool is_of_e2e(const Target& target) {
  return target.all.empty() && target.metric == Metric::kE2e;
}

// Of E2E, which the figure's axis says, the limit alone.
std::string within_text(const Target& target) {
  if (!is_of_e2e(target)) return target_text(target);
  return short_number(to_ms(target.max)) + " ms";
}

// The highest load within the first target on E2E.
bool is_answer(const SweepResult& result, LoadPoint point) {
  if (point.kind == LoadKind::kRate && !result.rates_at_target.empty()) {
    const RateAtTarget& rate = result.rates_at_target.front();
    return rate.r_pass == point.value && is_of_e2e(rate.target);
  }
  const UsersAtTarget* users = first_users(result);
  return users != nullptr && users->c_pass == point.slots() && is_of_e2e(users->target);
}

std::string rate_note(const SweepResult& result) {
  if (result.rates_at_target.empty()) return "";
  const RateAtTarget& rate = result.rates_at_target.front();
  if (rate.kind == UsersKind::kNoValidLevel) return "";
  const std::string within = within_text(rate.target);
  if (rate.kind == UsersKind::kBelowSweep) return "no measured level within " + within;
  return fmt::format("{}{} requests/s within {}", rate.kind == UsersKind::kBeyondSweep ? "≥ " : "",
                     value_text(at_rate(rate.rate_rps)), within);
}

std::string users_note(const SweepResult& result) {
  const UsersAtTarget* users = first_users(result);
  if (users == nullptr || users->kind == UsersKind::kNoValidLevel) return "";
  const std::string within = within_text(users->target);
  if (users->kind == UsersKind::kBelowSweep) return "no measured level within " + within;
  const std::string least = users->kind == UsersKind::kBeyondSweep ? "≥ " : "";
  std::string note = fmt::format("{}{} {} within {}", least, users->users,
                                 users->users == 1 ? "user" : "users", within);
  if (result.system.gpus > 0) {
    note += fmt::format(" on {} {} ({}{} per GPU)", result.system.gpus,
                        result.system.gpus == 1 ? "GPU" : "GPUs", least,
                        format_significant(users->users_per_gpu));
  }
  return note;
}

// Marks that only some of the results carry stand beside the curve's name.
std::string own_marks(const SweepResult& result, const std::vector<std::string>& common) {
  std::string text;
  for (const std::string& mark : marks_of(result)) {
    if (std::find(common.begin(), common.end(), mark) == common.end()) text += " [" + mark + "]";
  }
  return text;
}

std::vector<std::string> common_marks(std::span<const SweepResult> results) {
  if (results.empty()) return {};
  std::vector<std::string> common = marks_of(results.front());
  for (const SweepResult& result : results) {
    const std::vector<std::string> marks = marks_of(result);
    common.erase(std::remove_if(common.begin(), common.end(),
                                [&](const std::string& mark) {
                                  return std::find(marks.begin(), marks.end(), mark) == marks.end();
                                }),
                 common.end());
  }
  return common;
}

std::vector<std::string> subtitle_of(std::span<const SweepResult> results) {
  std::set<std::string> models;
  std::set<std::string> workloads;
  for (const SweepResult& result : results) {
    models.insert(result.model);
    workloads.insert(workload_line(result.workload));
  }
  if (results.empty()) return {};
  std::vector<std::string> parts;
  if (models.size() == 1 && !models.begin()->empty()) parts.push_back(*models.begin());
  if (workloads.size() == 1 && !workloads.begin()->empty()) parts.push_back(*workloads.begin());
  std::vector<std::string> lines;
  if (!parts.empty()) lines.push_back(join(parts, " · "));
  if (models.size() > 1) lines.emplace_back("The models differ");
  if (workloads.size() > 1) lines.emplace_back("The workloads differ: read the curves one by one");
  return lines;
}

struct Coordinates {
  std::optional<double> x, y;
  std::optional<Interval> x_interval, y_interval;
};

Coordinates coordinates(const SweepResult& result, const LevelStats& level, FigureKind kind,
                        const Measure& latency) {
  const double load = level.point.value;
  const std::string_view throughput = throughput_key(result);
  const auto at = [&](std::string_view key) { return figure_at(result, level, key); };
  switch (kind) {
    case FigureKind::kThroughputLatency:
      return {at("e2e").value, at(throughput).value, at("e2e").ci95, at(throughput).ci95};
    case FigureKind::kGpuThroughputSpeed:
      return {at("output_speed").value, at("throughput_per_gpu").value, std::nullopt, std::nullopt};
    case FigureKind::kThroughputConcurrency:
      return {load, at(throughput).value, std::nullopt, at(throughput).ci95};
    case FigureKind::kLatencyConcurrency:
    case FigureKind::kTtftConcurrency: {
      const Figure figure(level, latency, result.source);
      const bool median = latency.statistic == Statistic::kP50;
      return {load, figure.value, std::nullopt, median ? figure.ci95 : std::nullopt};
    }
    case FigureKind::kPercentiles:
    case FigureKind::kUsersPerGpu:
      break;
  }
  return {};
}

std::string point_label(LoadPoint point, FigureKind kind, double y) {
  if (kind == FigureKind::kThroughputLatency) return fmt::format("{}:{:.0f}", name_of(point), y);
  return kind == FigureKind::kGpuThroughputSpeed ? name_of(point) : "";
}

bool is_median_e2e(const Measure& measure) {
  return measure == Measure{&quantity_of(Metric::kE2e), Statistic::kP50};
}

std::string statistic_title(Statistic statistic) {
  return statistic == Statistic::kP50 ? "median" : std::string(name_of(statistic));
}

Curve curve_of(const SweepResult& result, FigureKind kind, const Measure& latency, size_t index) {
  Curve curve{.result = index, .name = result.name, .style = index, .dashes = index};
  for (size_t i = 0; i < result.levels.size(); ++i) {
    const LevelStats& level = result.levels[i];
    Coordinates at = coordinates(result, level, kind, latency);
    const bool bound = kind == FigureKind::kThroughputLatency && !at.x;
    if (bound) at.x = figure_at(result, level, "e2e").at_most;
    if (!at.x || !at.y) continue;
    PlotPoint point{.level = i,
                    .x = *at.x,
                    .y = *at.y,
                    .x_interval = at.x_interval,
                    .y_interval = at.y_interval,
                    .label = point_label(level.point, kind, *at.y),
                    .tooltip = tooltip(result, level),
                    .valid = level.pooled.valid,
                    .x_at_most = bound};
    if (kind == FigureKind::kLatencyConcurrency && !is_median_e2e(latency)) {
      point.figure = fmt::format("{} {} {} ms", statistic_title(latency.statistic),
                                 latency.quantity->title, ms_text(at.y));
    }
    point.ringed = is_answer(result, level.point);
    curve.points.push_back(std::move(point));
  }
  return curve;
}

void add_percentiles(const SweepResult& result, size_t index, std::vector<Curve>& curves) {
  struct Percentile {
    Statistic statistic;
    const char* dashes;
  };
  constexpr Percentile kPercentiles[] = {{Statistic::kP50, "solid"},
                                         {Statistic::kP90, "dashed"},
                                         {Statistic::kP95, "dotted"},
                                         {Statistic::kP99, "dash-dotted"}};
  const size_t first = curves.size();
  std::vector<std::string> drawn;
  size_t dashes = 0;
  for (const auto& [statistic, pattern] : kPercentiles) {
    const std::string_view name = name_of(statistic);
    Curve curve{.result = index, .name = result.name, .style = index, .dashes = dashes++};
    for (size_t i = 0; i < result.levels.size(); ++i) {
      const LevelStats& level = result.levels[i];
      const std::optional<double> value =
          Figure(level, {&quantity_of(Metric::kE2e), statistic}, result.source).value;
      if (!value) continue;
      const std::string figure = fmt::format("{} E2E {} ms", name, ms_text(value));
      curve.points.push_back(
          {.level = i,
           .x = level.point.value,
           .y = *value,
           .tooltip = fmt::format("{}, {}: {}", result.name, text_of(level.point), figure),
           .figure = figure,
           .valid = level.pooled.valid});
    }
    if (curve.points.empty()) continue;
    drawn.push_back(fmt::format("{} {}", name, pattern));
    curves.push_back(std::move(curve));
  }
  if (curves.size() > first) curves[first].note = join(drawn, " · ");
}

std::string axis_title(LoadKind load) {
  switch (load) {
    case LoadKind::kConcurrency:
      return "concurrency (requests in flight)";
    case LoadKind::kRate:
      return "request rate (requests/s)";
    case LoadKind::kUsers:
      return "users (sessions at a time)";
    case LoadKind::kProfile:
      return "mean request rate of a profile (requests/s)";
    case LoadKind::kTrace:
      return "recorded traffic (its scale)";
  }
  return "";
}

struct Titles {
  FigureKind kind = FigureKind::kThroughputLatency;
  LoadKind load = LoadKind::kConcurrency;
  bool all_steady = true;
  bool of_input = false;  // throughput is
};

void set_titles(Plot& plot, const Titles& titles, const Measure& latency) {
  const auto [kind, load, all_steady, of_input] = titles;
  const std::string against = fmt::format(" against {}", name_of(load));
  const std::string steady = all_steady ? ", steady" : "";
  const std::string throughput =
      (of_input ? "input throughput" : "output throughput" + steady) + " (tokens/s)";
  switch (kind) {
    case FigureKind::kThroughputLatency:
      plot.title = "Throughput against latency";
      plot.x_title = "median E2E latency (ms)";
      plot.y_title = throughput;
      return;
    case FigureKind::kGpuThroughputSpeed:
      plot.title = "Throughput per GPU against speed per user";
      plot.x_title = "output speed per user, median (tokens/s)";
      plot.y_title = "throughput per GPU" + steady + " (tokens/s)";
      return;
    case FigureKind::kLatencyConcurrency:
      plot.title = "Latency" + against;
      plot.y_title =
          fmt::format("{} {} (ms)", statistic_title(latency.statistic), latency.quantity->title);
      break;
    case FigureKind::kThroughputConcurrency:
      plot.title = "Throughput" + against;
      plot.y_title = throughput;
      break;
    case FigureKind::kTtftConcurrency:
      plot.title = "Time to first token" + against;
      plot.y_title = "median TTFT (ms)";
      break;
    case FigureKind::kPercentiles:
      plot.title = "Latency percentiles" + against;
      plot.y_title = "E2E latency (ms)";
      break;
    case FigureKind::kUsersPerGpu:
      plot.title = "Users per GPU at the latency target";
      plot.y_title = "users per GPU";
      return;
  }
  plot.x_title = axis_title(load);
  plot.x_is_load = true;
  plot.x_is_whole = LoadPoint{load, 1}.is_closed();
}

// A target is a line where an axis is what it is of.
void add_targets(std::span<const SweepResult> results, FigureKind kind, const Measure& latency,
                 Plot& plot) {
  const bool vertical = kind == FigureKind::kThroughputLatency;
  const bool horizontal =
      kind == FigureKind::kLatencyConcurrency || kind == FigureKind::kTtftConcurrency;
  if (!vertical && !horizontal) return;
  std::set<double> seen;
  for (const SweepResult& result : results) {
    for (const Target& target : answered_targets(result)) {
      const double ms = to_ms(target.max);
      const Measure of{&quantity_of(target.metric), target.statistic};
      if (of != latency || !seen.insert(ms).second) continue;
      plot.targets.push_back(
          {.vertical = vertical, .value = ms, .text = "target " + format_significant(ms) + " ms"});
    }
  }
}

struct Footnotes {
  FigureKind kind = FigureKind::kThroughputLatency;
  bool with_drain = false;
};

void add_footnotes(std::span<const SweepResult> results, const Footnotes& about, Plot& plot) {
  bool between = false;
  bool within = false;
  bool ranges = false;
  bool invalid = false;
  bool bound = false;
  for (const Curve& curve : plot.curves) {
    for (const PlotPoint& point : curve.points) {
      invalid = invalid || !point.valid;
      bound = bound || point.x_at_most;
    }
  }
  for (const SweepResult& result : results) {
    for (const LevelStats& level : result.levels) {
      const Figure latency(level,
                           measure_of(about.kind == FigureKind::kTtftConcurrency ? "ttft" : "e2e"));
      if (!latency.ci95) continue;
      (latency.is_range ? ranges : latency.between_runs ? between : within) = true;
    }
  }
  const bool whiskers = std::any_of(plot.curves.begin(), plot.curves.end(), [](const Curve& c) {
    return std::any_of(c.points.begin(), c.points.end(),
                       [](const PlotPoint& point) { return point.x_interval || point.y_interval; });
  });
  if (whiskers && between) plot.footnotes.emplace_back("whiskers: 95 % between runs");
  if (whiskers && ranges) plot.footnotes.emplace_back("whiskers: range of 2 repeats");
  if (whiskers && within && !between) plot.footnotes.emplace_back("whiskers: 95 % within one run");
  if (invalid) plot.footnotes.emplace_back("hollow and struck: invalid level");
  if (bound) plot.footnotes.emplace_back("arrow: published as within the target, no more");
  if (about.with_drain) plot.footnotes.emplace_back("throughput with drain: tokens ÷ wall");
  if (!plot.front.empty()) plot.footnotes.emplace_back("band: Pareto front");
  const bool ring = std::any_of(plot.curves.begin(), plot.curves.end(), [](const Curve& c) {
    return std::any_of(c.points.begin(), c.points.end(),
                       [](const PlotPoint& point) { return point.ringed; });
  });
  if (ring) plot.footnotes.emplace_back("ring: highest level within the target");
}

}  // namespace

std::vector<std::pair<double, double>> mark_pareto_front(std::vector<Curve>& curves) {
  std::vector<PlotPoint*> points;
  for (Curve& curve : curves) {
    for (PlotPoint& point : curve.points) {
      if (point.valid) points.push_back(&point);
    }
  }
  // From the fastest down, a point is in front when it is higher than all that are faster.
  std::stable_sort(points.begin(), points.end(), [](const PlotPoint* a, const PlotPoint* b) {
    return a->x != b->x ? a->x > b->x : a->y > b->y;
  });
  std::vector<std::pair<double, double>> front;
  for (PlotPoint* point : points) {
    if (!front.empty() && point->y <= front.back().second) continue;
    point->in_front = true;
    front.emplace_back(point->x, point->y);
  }
  std::reverse(front.begin(), front.end());
  return front;
}

Plot plot_of(std::span<const SweepResult> results, const FigureOptions& options) {
  const bool ttft = options.kind == FigureKind::kTtftConcurrency;
  return plot_of(results, options,
                 {&quantity_of(ttft ? Metric::kTtft : Metric::kE2e), Statistic::kP50});
}

Plot plot_of(std::span<const SweepResult> results, const FigureOptions& options,
             const Measure& latency) {
  Plot plot;
  bool with_drain = false;
  bool all_steady = true;
  bool of_input = false;
  plot.badges = common_marks(results);
  for (size_t i = 0; i < results.size(); ++i) {
    const SweepResult& result = results[i];
    with_drain = with_drain || any_drain(result);
    of_input = of_input || throughput_key(result) != "throughput";
    for (const LevelStats& level : result.levels) {
      all_steady = all_steady && !has_drain(level.pooled);
    }
    const size_t before = plot.curves.size();
    if (options.kind == FigureKind::kPercentiles) {
      add_percentiles(result, i, plot.curves);
    } else {
      plot.curves.push_back(curve_of(result, options.kind, latency, i));
    }
    for (size_t k = before; k < plot.curves.size(); ++k) {
      plot.curves[k].name += own_marks(result, plot.badges);
    }
    if (before < plot.curves.size() && options.kind == FigureKind::kThroughputLatency) {
      plot.curves[before].note =
          result.users_at_target.empty() ? rate_note(result) : users_note(result);
    }
  }
  set_titles(plot, {options.kind, load_kind(results), all_steady, of_input}, latency);
  if (!options.title.empty()) plot.title = options.title;
  plot.subtitle = subtitle_of(results);
  add_targets(results, options.kind, latency, plot);
  if (options.kind == FigureKind::kGpuThroughputSpeed) plot.front = mark_pareto_front(plot.curves);
  add_footnotes(results, {options.kind, with_drain}, plot);
  return plot;
}

}  // namespace llmsweep::report

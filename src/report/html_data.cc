#include "report/html_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "llmsweep/stats/validity.h"
#include "report/cells.h"
#include "report/charts.h"
#include "report/escape.h"
#include "report/gauge_strip.h"
#include "report/label_layout.h"
#include "report/rate_strip.h"
#include "report/request_summary.h"

namespace llmsweep::report {
namespace {

using Json = nlohmann::ordered_json;

// A result with what the page draws of its runs.
struct OfResult {
  const SweepResult& result;
  std::span<const RunRequests> requests;
  std::span<const RunGauges> gauges;
};

// Times of single requests: a hundredth of a millisecond is finer than a pixel.
Json rounded_ms(double ms) {
  return std::round(ms * 100) / 100;
}

// A whole number without a point.
Json load_of(LoadPoint point) {
  return Json::parse(value_text(point));
}

std::string with_interval(const Figure& figure, std::string_view unit) {
  const std::string interval = interval_text(figure);
  return fmt::format("{} {}{}", figure_text(figure), unit, interval.empty() ? "" : " " + interval);
}

std::string count_text(const std::optional<int64_t>& count) {
  return count ? format_number(static_cast<double>(*count)) : "–";
}

// What a point of any chart stands for, in lines.
std::vector<std::string> level_lines(const LevelStats& level, Source source) {
  const auto at = [&](std::string_view key) { return Figure(level, measure_of(key), source); };
  const Figure throughput = at("throughput");
  const Figure e2e = at("e2e");
  const RunStats& run = level.pooled;
  const std::string counts =
      fmt::format("{} completed, {} failed", count_text(run.requests.completed),
                  count_text(run.requests.failed));
  std::vector<std::string> lines;
  if (run.inputs_per_s) {
    lines = {fmt::format("{} inputs/s", figure_text(at("inputs"))),
             fmt::format("input throughput {} tokens/s", figure_text(at("input_throughput"))),
             fmt::format("median E2E {}", with_interval(e2e, "ms")), counts};
  } else {
    lines = {
        fmt::format("output throughput {}{}", with_interval(throughput, "tokens/s"),
                    throughput.with_drain ? " (with drain)" : ""),
        fmt::format("per GPU {} tokens/s", figure_text(at("throughput_per_gpu"))),
        fmt::format("median E2E {}", with_interval(e2e, "ms")),
        fmt::format("TTFT {} ms, TPOT {} ms", figure_text(at("ttft")), figure_text(at("tpot"))),
        counts};
  }
  if (e2e.ci95) {
    lines.emplace_back(e2e.is_range       ? "A to B: the range of 2 repeats"
                       : e2e.between_runs ? "intervals: 95 %, between runs"
                                          : "intervals: 95 %, within the run");
  }
  if (const std::string state = state_text(level); !state.empty()) lines.push_back(state);
  if (!run.valid) {
    std::string reasons;
    for (const InvalidReason reason : run.invalid_reasons)
      reasons += " " + std::string(sentence(reason));
    lines.push_back("INVALID:" + reasons);
  }
  return lines;
}

Json level_json(const SweepResult& result, const LevelStats& level) {
  return {{"c", load_of(level.point)},
          {"name", name_of(level.point)},
          {"title", printable(result.name, 120) + ", " + text_of(level.point)},
          {"lines", level_lines(level, result.source)}};
}

struct HistogramSize {
  double width = 0, height = 0;
};
constexpr std::array<HistogramSize, 3> kHistogramSizes = {{{1120, 320}, {640, 320}, {350, 300}}};

// The drawing's sizes, and what of each is between the axes.
Json histogram_sizes(const Axis& counts) {
  double widest = 0;
  for (const Tick& tick : counts.ticks) widest = std::max(widest, text_width(tick.text, 12));
  Json sizes = Json::array();
  for (const HistogramSize& size : kHistogramSizes) {
    const Json area = Json::array({std::round(34 + widest), 10, size.width - 24, size.height - 44});
    sizes.push_back({{"width", size.width}, {"height", size.height}, {"area", area}});
  }
  return sizes;
}

Json histogram_json(const SweepResult& result, LoadPoint point, Metric metric, const Bins& bins) {
  const LevelStats* level = find_level(result, point);
  const Quantity& quantity = quantity_of(metric);
  const auto most = std::max_element(bins.counts.begin(), bins.counts.end());
  const double longest = kHistogramSizes[0].width;
  const Axis x =
      axis_over({bins.low, bins.low + bins.step * static_cast<double>(bins.counts.size())}, {});
  const Axis y = axis_over({0, static_cast<double>(*most)}, {.vertical = true, .whole = true});
  int64_t total = bins.above;
  for (const int64_t count : bins.counts) total += count;
  std::string summary =
      fmt::format("{} completed requests of {} at {}. ", format_number(static_cast<double>(total)),
                  printable(result.name, 120), text_of(point));
  Json marks = Json::array();
  if (level != nullptr) {
    std::vector<std::string> figures;
    for (const Statistic statistic :
         {Statistic::kP50, Statistic::kP90, Statistic::kP95, Statistic::kP99, Statistic::kMean}) {
      const Figure figure(*level, {&quantity, statistic}, result.source);
      if (!figure.value) continue;
      const std::string name =
          statistic == Statistic::kP50 ? "median" : std::string(name_of(statistic));
      figures.push_back(name + " " + figure_text(figure));
      if (statistic == Statistic::kMean || !x.shows(*figure.value)) continue;
      marks.push_back(Json::array({name, place_json(x.share(*figure.value))}));
    }
    if (!figures.empty()) summary += join(figures, ", ") + " ms. ";
  }
  if (bins.above > 0) {
    summary += format_number(static_cast<double>(bins.above)) + " lie beyond the right edge.";
  }
  return {
      {"title", quantity.title},
      {"low", bins.low},
      {"step", bins.step},
      {"from", place_json(x.share(bins.low))},
      {"wide", place_json(x.share(bins.low + bins.step) - x.share(bins.low))},
      {"high", place_json(y.share(static_cast<double>(*most)))},
      {"most", *most},
      {"counts", bins.counts},
      {"marks", std::move(marks)},
      {"summary", std::move(summary)},
      {"x", {{"title", std::string(quantity.title) + " (ms)"}, {"ticks", ticks_json(x, longest)}}},
      {"y", {{"title", "requests"}, {"ticks", ticks_json(y, longest)}}},
      {"sizes", histogram_sizes(y)}};
}

// [{name, metrics}] of the levels that have requests.
Json distributions_json(const SweepResult& result, std::span<const RunRequests> requests) {
  Json levels = Json::array();
  for (const auto& [point, bins] : level_bins(requests)) {
    Json metrics = Json::array();
    const auto add = [&, at = point](Metric metric, const Bins& of_metric) {
      if (of_metric.counts.empty()) return;
      metrics.push_back(histogram_json(result, at, metric, of_metric));
    };
    add(Metric::kE2e, bins.e2e);
    add(Metric::kTtft, bins.ttft);
    add(Metric::kTpot, bins.tpot);
    if (metrics.empty()) continue;
    levels.push_back({{"name", text_of(point)}, {"metrics", std::move(metrics)}});
  }
  return levels;
}

Json span_json(const RequestSpan& span, const Timeline& timeline) {
  const auto at = [&](int64_t ns) {
    return ns == RequestSpan::kNever
               ? Json(-1)
               : rounded_ms(static_cast<double>(ns - timeline.start_ns) / 1e6);
  };
  Json row =
      Json::array({span.slot, at(span.start_ns), at(span.first_token_ns), at(span.last_token_ns),
                   at(span.end_ns), name_of(span.phase), name_of(span.outcome)});
  if (span.error > 0 && span.error <= timeline.errors.size()) {
    row.push_back(printable(timeline.errors[span.error - 1], 160));
  }
  return row;
}

// Seconds since the first request, as shares of the run's length.
Json time_ticks(double end_s) {
  const Axis axis = axis_over({0, end_s}, {});
  Json ticks = Json::array();
  for (const Tick& tick : axis.ticks) {
    if (tick.value > end_s || tick.from > 1200) continue;
    ticks.push_back(Json::array(
        {place_json(tick.value / end_s), tick.text + " s", std::llround(std::ceil(tick.from))}));
  }
  return ticks;
}

// `of`: "load" or "server".
Json strip_json(const GaugeStrip& strip, const char* of, int64_t start_ns) {
  Json points = Json::array();
  double least = strip.points.front().value, most = least;
  for (const GaugePoint& point : strip.points) {
    const auto ns = static_cast<double>(point.at_ns - start_ns);
    points.push_back(Json::array({rounded_ms(ns / 1e6), rounded_ms(point.value)}));
    least = std::min(least, point.value);
    most = std::max(most, point.value);
  }
  return {{"name", strip.name},
          {"of", of},
          {"unit", strip.unit},
          {"most", strip.most},
          {"text", fmt::format("{} {} to {} {}", strip.name, format_significant(least),
                               format_significant(most), strip.unit)},
          {"points", std::move(points)}};
}

// [{name, of, unit, most, text, points}]; points are [ms since the first request, value]. Rates of
// an open loop come before the server's gauges.
Json strips_json(const Timeline& timeline, const OfResult& of) {
  Json rows = Json::array();
  const auto is_own = [&timeline](const auto& each) { return each.run == timeline.run; };
  const auto requests = std::find_if(of.requests.begin(), of.requests.end(), is_own);
  if (requests != of.requests.end()) {
    for (const GaugeStrip& strip : rate_strips(of.result, *requests)) {
      rows.push_back(strip_json(strip, "load", timeline.start_ns));
    }
  }
  const auto gauges = std::find_if(of.gauges.begin(), of.gauges.end(), is_own);
  if (gauges == of.gauges.end()) return rows;
  for (const GaugeStrip& strip : gauge_strips(gauges->tracks)) {
    rows.push_back(strip_json(strip, "server", timeline.start_ns));
  }
  return rows;
}

Json run_json(const Timeline& timeline, const OfResult& of) {
  const double end_ms =
      std::max(static_cast<double>(timeline.end_ns - timeline.start_ns) / 1e6, 1e-3);
  Json run = {
      {"name", fmt::format("{}, run {}{}", text_of(timeline.run.point), timeline.run.repeat + 1,
                           timeline.steps.empty() ? "" : " (summarised)")},
      {"requests", timeline.requests},
      {"end_ms", rounded_ms(end_ms)},
      {"ticks", time_ticks(end_ms / 1000)},
      {"gauges", strips_json(timeline, of)}};
  const auto spans = [&](const std::vector<RequestSpan>& list) {
    Json rows = Json::array();
    for (const RequestSpan& span : list) rows.push_back(span_json(span, timeline));
    return rows;
  };
  if (timeline.steps.empty()) {
    run["spans"] = spans(timeline.spans);
    return run;
  }
  Json steps = Json::array();
  std::vector<double> flying = {0};
  for (const TimelineStep& step : timeline.steps) {
    flying.push_back(static_cast<double>(step.in_flight));
    steps.push_back(Json::array({step.in_flight, step.ended, step.failed}));
  }
  const Axis y = axis_over(flying, {.vertical = true, .whole = true});
  run["steps"] = std::move(steps);
  run["most"] = y.high;
  run["y_ticks"] = ticks_json(y, 250);
  run["failures"] = spans(timeline.failures);
  return run;
}

Json result_json(const OfResult& of, size_t& budget) {
  const SweepResult& result = of.result;
  Json levels = Json::array();
  for (const LevelStats& level : result.levels) levels.push_back(level_json(result, level));
  Json runs = Json::array();
  for (const Timeline& timeline : timelines(of.requests, {}, budget)) {
    runs.push_back(run_json(timeline, of));
  }
  return {{"name", printable(result.name, 120)},
          {"marks", marks_of(result)},
          {"levels", std::move(levels)},
          {"distributions", distributions_json(result, of.requests)},
          {"runs", std::move(runs)}};
}

}  // namespace

std::string html_data(const HtmlInput& input) {
  size_t budget = TimelineLimits{}.spans_in_all;
  Json results = Json::array();
  for (size_t i = 0; i < input.results.size(); ++i) {
    OfResult of{.result = input.results[i], .requests = {}, .gauges = {}};
    if (i < input.requests.size()) of.requests = input.requests[i];
    if (i < input.gauges.size()) of.gauges = input.gauges[i];
    results.push_back(result_json(of, budget));
  }
  const Json data = {{"results", std::move(results)},
                     {"load", name_of(load_kind(input.results))},
                     {"styles", styles_json()},
                     {"charts", charts_json(input.results)},
                     {"csv", levels_csv(input.results)}};
  return script_json(data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace llmsweep::report

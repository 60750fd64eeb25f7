#include "report/html_parts.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/markdown.h"
#include "llmsweep/report/table.h"
#include "llmsweep/stats/validity.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/request_summary.h"

namespace llmsweep::report {
namespace {

using Json = nlohmann::ordered_json;

Json number(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json whole(std::optional<int64_t> value) {
  return value ? Json(*value) : Json(nullptr);
}

// Times of single requests: a hundredth of a millisecond is finer than a pixel.
Json rounded(double ms) {
  return std::round(ms * 100) / 100;
}

Json pair(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return nullptr;
  return Json::array({interval->low, interval->high});
}

// A whole number without a point.
Json load_of(LoadPoint point) {
  return Json::parse(value_text(point));
}

// A distribution by its statistics, a number as "value"; both with the interval of what is shown.
Json figure_json(const LevelStats& level, const Quantity& quantity, Source source) {
  Json json;
  if (quantity.distribution == nullptr) {
    json["value"] = number(Figure(level, {&quantity}, source).value);
  } else {
    for (const Statistic statistic : all_values<Statistic>()) {
      json[std::string(name_of(statistic))] =
          number(Figure(level, {&quantity, statistic}, source).value);
    }
  }
  json["ci"] = pair(Figure(level, {&quantity}, source).ci95);
  return json;
}

Json level_json(const LevelStats& level, Source source) {
  const RunStats& run = level.pooled;
  Json reasons = Json::array();
  for (const InvalidReason reason : run.invalid_reasons) reasons.push_back(sentence(reason));
  Json json = {{"c", load_of(level.point)},
               {"name", name_of(level.point)},
               {"valid", run.valid},
               {"reasons", std::move(reasons)},
               {"with_drain", Figure(level, measure_of("throughput"), source).with_drain},
               {"between", Figure(level, measure_of("e2e"), source).between_runs},
               {"completed", whole(run.requests.completed)},
               {"failed", whole(run.requests.failed)}};
  for (const Quantity& quantity : quantities()) {
    if (!quantity.of_level()) continue;
    json[std::string(quantity.key)] = figure_json(level, quantity, source);
  }
  return json;
}

Json bins_json(const Bins& bins) {
  return {{"low", bins.low}, {"step", bins.step}, {"counts", bins.counts}, {"above", bins.above}};
}

Json span_json(const RequestSpan& span, int64_t start_ns) {
  const auto at = [&](int64_t ns) { return rounded(static_cast<double>(ns - start_ns) / 1e6); };
  const auto optional = [&](const std::optional<int64_t>& ns) { return ns ? at(*ns) : Json(-1); };
  Json row = Json::array({span.slot, at(span.start_ns), optional(span.first_token_ns),
                          optional(span.last_token_ns), at(span.end_ns), name_of(span.phase),
                          name_of(span.outcome)});
  if (!span.error.empty()) row.push_back(printable(span.error, 160));
  return row;
}

Json run_json(const Timeline& timeline) {
  Json run = {{"c", load_of(timeline.run.point)},
              {"repeat", timeline.run.repeat},
              {"requests", timeline.requests},
              {"end_ms", rounded(static_cast<double>(timeline.end_ns - timeline.start_ns) / 1e6)}};
  const auto spans = [&](const std::vector<RequestSpan>& list) {
    Json rows = Json::array();
    for (const RequestSpan& span : list) rows.push_back(span_json(span, timeline.start_ns));
    return rows;
  };
  if (timeline.steps.empty()) {
    run["spans"] = spans(timeline.spans);
    return run;
  }
  Json steps = Json::array();
  for (const TimelineStep& step : timeline.steps) {
    steps.push_back(Json::array({step.in_flight, step.ended, step.failed}));
  }
  run["steps"] = std::move(steps);
  run["failures"] = spans(timeline.failures);
  return run;
}

Json result_json(const SweepResult& result, std::span<const RequestSpan> requests, size_t& budget) {
  Json levels = Json::array();
  for (const LevelStats& level : result.levels) levels.push_back(level_json(level, result.source));
  Json bins = Json::object();
  for (const auto& [point, of_level] : level_bins(requests)) {
    bins[value_text(point)] = {{"e2e", bins_json(of_level.e2e)},
                               {"ttft", bins_json(of_level.ttft)},
                               {"tpot", bins_json(of_level.tpot)}};
  }
  Json runs = Json::array();
  for (const Timeline& timeline : timelines(requests, {}, budget)) {
    runs.push_back(run_json(timeline));
  }
  return {{"name", printable(result.name, 120)},
          {"marks", marks_of(result)},
          {"gpus", result.system.gpus},
          {"levels", std::move(levels)},
          {"bins", std::move(bins)},
          {"runs", std::move(runs)}};
}

Json targets_json(std::span<const SweepResult> results) {
  Json targets = Json::array();
  for (const SweepResult& result : results) {
    for (const UsersAtTarget& users : result.users_at_target) {
      Json target = {{"metric", name_of(users.target.metric)},
                     {"statistic", name_of(users.target.statistic)},
                     {"ms", to_ms(users.target.max)}};
      const bool known = std::find(targets.begin(), targets.end(), target) != targets.end();
      if (!known) targets.push_back(std::move(target));
    }
  }
  return targets;
}

}  // namespace

std::string html_data(const HtmlInput& input) {
  size_t budget = TimelineLimits{}.spans_in_all;
  Json results = Json::array();
  for (size_t i = 0; i < input.results.size(); ++i) {
    std::span<const RequestSpan> requests;
    if (i < input.requests.size()) requests = input.requests[i];
    results.push_back(result_json(input.results[i], requests, budget));
  }
  Json latencies = Json::array();
  for (const Quantity& quantity : quantities()) {
    if (quantity.distribution == nullptr) continue;
    latencies.push_back(Json::array({quantity.key, quantity.title}));
  }
  const Json data = {{"results", std::move(results)},
                     {"load", name_of(load_kind(input.results))},
                     {"latencies", std::move(latencies)},
                     {"targets", targets_json(input.results)},
                     {"csv", levels_csv(input.results)}};
  return script_json(data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace llmsweep::report

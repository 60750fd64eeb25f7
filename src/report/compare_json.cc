#include "llmsweep/report/compare_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/point_json.h"

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return Json::array({interval->low, interval->high});
}

// `valid`: both levels are.
std::string verdict_of(const Ratio& ratio, bool valid) {
  if (ratio.verdict) return std::string(name_of(*ratio.verdict));
  if (!valid) return "invalid_level";
  if (!ratio.sound) return "invalid_figure";
  return ratio.complete ? "not_judged" : "runs_lack_it";
}

Json json_of(const std::optional<Ratio>& ratio, bool valid) {
  if (!ratio) return nullptr;
  return {{"baseline", ratio->baseline},
          {"candidate", ratio->candidate},
          {"ratio", ratio->ratio},
          {"ci95", json_of(ratio->ci95)},
          {"ci95_within_sessions", json_of(ratio->within_sessions)},
          {"p_adjusted", or_null(ratio->p_adjusted)},
          {"verdict", verdict_of(*ratio, valid)}};
}

Json json_of(const Target& target) {
  if (!target.all.empty()) {
    Json parts = Json::array();
    for (const Target& part : target.all) parts.push_back(json_of(part));
    return {{"tier", target.name}, {"all", parts}};
  }
  Json json = {{"metric", name_of(target.metric)},
               {"statistic", name_of(target.statistic)},
               {"max_ms", to_ms(target.max)}};
  if (target.min_tps) json["min_tps"] = *target.min_tps;
  return json;
}

// Absent where the GPUs are not stated.
std::optional<double> per_gpu_of(const UsersAtTarget& users) {
  if (users.users > 0 && users.users_per_gpu == 0) return std::nullopt;
  return users.users_per_gpu;
}

Json json_of(const UsersAtTarget& users) {
  return {{"kind", name_of(users.kind)},
          {"users", users.users},
          {"users_per_gpu", or_null(per_gpu_of(users))},
          {"c_pass", or_null(users.c_pass)},
          {"c_fail", or_null(users.c_fail)},
          {"c_interpolated", or_null(users.c_interpolated)},
          {"c_interpolated_ci95", json_of(users.c_interpolated_ci95)},
          {"confirmed", users.confirmed}};
}

std::optional<double> per_gpu_of(const RateAtTarget& rate) {
  if (rate.rate_rps > 0 && rate.rate_per_gpu_rps == 0) return std::nullopt;
  return rate.rate_per_gpu_rps;
}

Json json_of(const RateAtTarget& rate) {
  return {{"kind", name_of(rate.kind)},
          {"rate_rps", rate.rate_rps},
          {"rate_per_gpu_rps", or_null(per_gpu_of(rate))},
          {"r_pass", or_null(rate.r_pass)},
          {"r_fail", or_null(rate.r_fail)},
          {"r_interpolated", or_null(rate.r_interpolated)},
          {"r_interpolated_ci95", json_of(rate.r_interpolated_ci95)},
          {"confirmed", rate.confirmed}};
}

// A concurrency as its number, another kind by its name.
Json json_of(const std::vector<LoadPoint>& points) {
  Json list = Json::array();
  for (const LoadPoint point : points) {
    const bool closed = point.kind == LoadKind::kConcurrency;
    list.push_back(closed ? Json(point.concurrency()) : Json(name_of(point)));
  }
  return list;
}

Json json_of(const LevelComparison& level) {
  Json json;
  report::put_point(json, level.point);
  json.update({{"baseline_repeats", level.baseline_repeats},
               {"candidate_repeats", level.candidate_repeats},
               {"baseline_valid", level.baseline_valid},
               {"candidate_valid", level.candidate_valid},
               {"with_drain", level.with_drain}});
  const bool valid = level.baseline_valid && level.candidate_valid;
  for (const auto& [measure, ratio] : level.measures) {
    json[data_key_of(measure)] = json_of(ratio, valid);
  }
  return json;
}

Json json_of(const UsersComparison& users) {
  return {
      {"target", json_of(users.target)},           {"baseline", json_of(users.baseline)},
      {"candidate", json_of(users.candidate)},     {"ratio_kind", name_of(users.kind)},
      {"users_ratio", or_null(users.users_ratio)}, {"per_gpu_ratio", or_null(users.per_gpu_ratio)}};
}

Json json_of(const RateComparison& rates) {
  return {
      {"target", json_of(rates.target)},         {"baseline", json_of(rates.baseline)},
      {"candidate", json_of(rates.candidate)},   {"ratio_kind", name_of(rates.kind)},
      {"rate_ratio", or_null(rates.rate_ratio)}, {"per_gpu_ratio", or_null(rates.per_gpu_ratio)}};
}

Json json_of(const std::optional<Pairs>& pairs) {
  if (!pairs) return {};
  Json json = {{"rounds", pairs->rounds}, {"dropped", pairs->dropped}, {"drift", nullptr}};
  if (pairs->drift) {
    json["drift"] = {{"ratio", pairs->drift->ratio},
                     {"ci95", {pairs->drift->ci95.low, pairs->drift->ci95.high}},
                     {"seconds", pairs->drift->seconds}};
  }
  return json;
}

Json json_of(const Comparison& comparison) {
  Json json = {{"baseline", comparison.baseline_name},
               {"candidate", comparison.candidate_name},
               {"min_effect", comparison.min_effect},
               {"session_gap", comparison.session_gap},
               {"session_noise", comparison.session_noise},
               {"pairs", json_of(comparison.pairs)},
               {"notes", comparison.notes},
               {"server", comparison.server},
               {"headlines", headline_sentences(comparison)},
               {"family",
                {{"rows", comparison.family.rows},
                 {"by_chance", comparison.family.by_chance()},
                 {"correction", "holm"}}},
               {"only_baseline", json_of(comparison.only_baseline)},
               {"only_candidate", json_of(comparison.only_candidate)}};
  for (const FieldReport& field : comparison.fields) {
    json["fields"].push_back({{"field", field.field},
                              {"baseline", field.baseline},
                              {"candidate", field.candidate},
                              {"state", name_of(field.state)}});
  }
  json["users"] = json["rates"] = json["levels"] = json["equal_latency"] = json["quality"] =
      Json::array();
  for (const UsersComparison& users : comparison.users) json["users"].push_back(json_of(users));
  for (const RateComparison& rates : comparison.rates) json["rates"].push_back(json_of(rates));
  for (const LevelComparison& level : comparison.levels) json["levels"].push_back(json_of(level));
  json["sweep"] = Json::object();
  for (const auto& [measure, ratio] : comparison.sweep) {
    if (!ratio) continue;
    Json& over = json["sweep"][data_key_of(measure)] = json_of(ratio, true);
    over["levels"] = ratio->levels;
  }
  for (const EqualLatency& row : comparison.equal_latency) {
    json["equal_latency"].push_back({{"e2e_p50_ms", row.e2e_p50_ms},
                                     {"baseline_tps_per_gpu", row.baseline_tps_per_gpu},
                                     {"candidate_tps_per_gpu", row.candidate_tps_per_gpu},
                                     {"ratio", row.ratio},
                                     {"ci95", json_of(row.ci95)}});
  }
  json["weights_gb"] = json_of(comparison.weights_gb, true);
  if (comparison.weights_gb) {
    for (const char* key : {"verdict", "p_adjusted", "ci95_within_sessions"})
      json["weights_gb"].erase(key);
  }
  for (const QualityComparison& row : comparison.quality) {
    json["quality"].push_back({{"benchmark", row.benchmark},
                               {"baseline", or_null(row.baseline)},
                               {"candidate", or_null(row.candidate)}});
  }
  return json;
}

struct CsvFigure {
  std::string concurrency;
  std::string figure;
  std::optional<double> baseline, candidate, ratio;
  std::optional<Interval> ci95;
  std::string verdict;
};

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

std::string csv_line(const Comparison& comparison, const CsvFigure& row) {
  const std::string low = row.ci95 ? number(row.ci95->low) : "";
  const std::string high = row.ci95 ? number(row.ci95->high) : "";
  return fmt::format(
      "{},{},{},{},{},{},{},{},{},{}\r\n", report::csv_text(comparison.baseline_name),
      report::csv_text(comparison.candidate_name), row.concurrency, report::csv_text(row.figure),
      number(row.baseline), number(row.candidate), number(row.ratio), low, high, row.verdict);
}

std::string csv_name(const LevelComparison& level, const Measure& measure) {
  if (measure != measure_of("throughput")) return data_key_of(measure);
  return data_key_of(measure_of(level.with_drain ? "output_throughput" : "steady_throughput"));
}

std::string csv_level(const Comparison& comparison, const LevelComparison& level) {
  std::string text;
  const bool valid = level.baseline_valid && level.candidate_valid;
  for (const auto& [measure, ratio] : level.measures) {
    if (!ratio) continue;
    text += csv_line(comparison, {.concurrency = report::csv_concurrency(level.point),
                                  .figure = csv_name(level, measure),
                                  .baseline = ratio->baseline,
                                  .candidate = ratio->candidate,
                                  .ratio = ratio->ratio,
                                  .ci95 = ratio->ci95,
                                  .verdict = verdict_of(*ratio, valid)});
  }
  return text;
}

std::string csv_sweep(const Comparison& comparison) {
  std::string text;
  for (const auto& [measure, ratio] : comparison.sweep) {
    if (!ratio) continue;
    text += csv_line(comparison, {.figure = data_key_of(measure) + " over all levels",
                                  .baseline = ratio->baseline,
                                  .candidate = ratio->candidate,
                                  .ratio = ratio->ratio,
                                  .ci95 = ratio->ci95,
                                  .verdict = verdict_of(*ratio, true)});
  }
  return text;
}

std::string csv_of(const Comparison& comparison) {
  std::string text = csv_sweep(comparison);
  for (const LevelComparison& level : comparison.levels) text += csv_level(comparison, level);
  for (const UsersComparison& users : comparison.users) {
    text += csv_line(comparison, {.figure = "users_per_gpu " + format_target(users.target),
                                  .baseline = users.baseline.users_per_gpu,
                                  .candidate = users.candidate.users_per_gpu,
                                  .ratio = users.per_gpu_ratio,
                                  .verdict = std::string(name_of(users.kind))});
  }
  for (const RateComparison& rates : comparison.rates) {
    text += csv_line(comparison, {.figure = "rate_per_gpu_rps " + format_target(rates.target),
                                  .baseline = rates.baseline.rate_per_gpu_rps,
                                  .candidate = rates.candidate.rate_per_gpu_rps,
                                  .ratio = rates.per_gpu_ratio,
                                  .verdict = std::string(name_of(rates.kind))});
  }
  for (const EqualLatency& row : comparison.equal_latency) {
    text +=
        csv_line(comparison,
                 {.figure = fmt::format("throughput_per_gpu_tps at e2e p50 {} ms", row.e2e_p50_ms),
                  .baseline = row.baseline_tps_per_gpu,
                  .candidate = row.candidate_tps_per_gpu,
                  .ratio = row.ratio,
                  .ci95 = row.ci95});
  }
  if (const auto& weights = comparison.weights_gb) {
    text += csv_line(comparison, {.figure = "weights_gb",
                                  .baseline = weights->baseline,
                                  .candidate = weights->candidate,
                                  .ratio = weights->ratio});
  }
  for (const QualityComparison& row : comparison.quality) {
    text += csv_line(comparison, {.figure = "quality " + row.benchmark,
                                  .baseline = row.baseline,
                                  .candidate = row.candidate});
  }
  return text;
}

}  // namespace

std::string comparison_json(std::span<const Comparison> comparisons) {
  Json json = Json::array();
  for (const Comparison& comparison : comparisons) json.push_back(json_of(comparison));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string comparison_csv(std::span<const Comparison> comparisons) {
  std::string text =
      "baseline,candidate,concurrency,figure,baseline_value,candidate_value,ratio,ci95_low,"
      "ci95_high,verdict\r\n";
  for (const Comparison& comparison : comparisons) text += csv_of(comparison);
  return text;
}

}  // namespace llmsweep

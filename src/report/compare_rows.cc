#include "report/compare_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "report/cells.h"

namespace llmsweep::report {
namespace {

constexpr size_t kNameBytes = 48;
constexpr size_t kHashCharacters = 12;

std::string name_text(const std::string& name) {
  return name.empty() ? "(unnamed)" : printable(name, kNameBytes);
}

std::string dash(bool unicode) {
  return unicode ? "–" : "-";
}

std::string interval_cell(const std::optional<Interval>& interval) {
  if (!interval) return {};
  return fmt::format(" [{:.3f}, {:.3f}]", interval->low, interval->high);
}

// A hash is told by its beginning.
std::string field_value(const FieldReport& field, const std::string& value) {
  const bool hash = (field.field == "prompt_set" || field.field == "tokenizer") &&
                    field.state != FieldState::kUnknown;
  return hash ? printable(value.substr(0, kHashCharacters)) : printable(value, kNameBytes);
}

TextTable fields_table(const Comparison& comparison) {
  TextTable table{.title = "What differs",
                  .columns = {{"", "", Align::kLeft, Column::kAlways},
                              {name_text(comparison.baseline_name), "", Align::kLeft, 3},
                              {name_text(comparison.candidate_name), "", Align::kLeft, 3},
                              {"", "", Align::kLeft, 1}}};
  for (const FieldReport& field : comparison.fields) {
    if (field.state == FieldState::kSame) continue;
    if (field.state == FieldState::kUnknown && field.baseline == field.candidate) continue;
    table.rows.push_back(
        {.cells = {field.field, field_value(field, field.baseline),
                   field_value(field, field.candidate), std::string(name_of(field.state))}});
  }
  return table;
}

// `valid`: both levels are.
std::vector<std::string> ratio_cells(const Ratio& ratio, bool valid) {
  return {format_significant(ratio.baseline), format_significant(ratio.candidate),
          fmt::format("{:.3f}{}", ratio.ratio, interval_cell(ratio.ci95)),
          std::string(trim(interval_cell(ratio.within_sessions))), verdict_text(ratio, valid)};
}

std::string sgr_of(const Ratio& ratio) {
  if (!ratio.verdict) return {};
  if (*ratio.verdict == Verdict::kBetter) return "32";
  return *ratio.verdict == Verdict::kWorse ? "31" : "";
}

constexpr size_t kRepeatsAlone = 4;  // its place in the tables of levels

void drop_column(TextTable& table, size_t at) {
  const auto place = static_cast<std::ptrdiff_t>(at);
  table.columns.erase(table.columns.begin() + place);
  for (Row& row : table.rows) row.cells.erase(row.cells.begin() + place);
}

TextTable level_table_of(const Comparison& comparison, const Measure& measure) {
  TextTable table{.title = heading_of(measure),
                  .columns = {{"level", "", Align::kRight, Column::kAlways},
                              {"baseline", "", Align::kRight, Column::kAlways},
                              {"candidate", "", Align::kRight, Column::kAlways},
                              {"ratio", "candidate / baseline", Align::kLeft, Column::kAlways},
                              {"repeats alone", "", Align::kLeft, 1},
                              {"", "", Align::kLeft, 2}},
                  .footer = join(terms_of(measure), "; ")};
  const auto add_row = [&table](std::string level, const Ratio& ratio, bool valid) {
    std::vector<std::string> cells = ratio_cells(ratio, valid);
    cells.insert(cells.begin(), std::move(level));
    table.rows.push_back({.cells = std::move(cells), .sgr = sgr_of(ratio)});
  };
  if (const auto& sweep = comparison.sweep_ratio_of(measure)) add_row("all", *sweep, true);
  for (const LevelComparison& level : comparison.levels) {
    const auto& ratio = level.ratio_of(measure);
    if (ratio) {
      add_row(value_text(level.point), *ratio, level.baseline_valid && level.candidate_valid);
    }
  }
  if (comparison.session_noise <= 0) drop_column(table, kRepeatsAlone);
  return table;
}

std::string users_cell(const UsersAtTarget& users, bool unicode) {
  std::string text = users.users > 0 && users.users_per_gpu == 0
                         ? dash(unicode)  // the GPUs are not stated
                         : short_number(users.users_per_gpu);
  switch (users.kind) {
    case UsersKind::kMeasured:
      break;
    case UsersKind::kNoValidLevel:
      return dash(unicode) + " (no valid level)";
    case UsersKind::kBelowSweep:
      return users.c_fail ? fmt::format("0 (level {} misses it)", *users.c_fail)
                          : "0 (no level meets it)";
    case UsersKind::kBeyondSweep:
      return fmt::format("{} {} ({} users, no level misses it)", unicode ? "≥" : ">=", text,
                         users.users);
  }
  text += fmt::format(" ({} {}", users.users, users.users == 1 ? "user" : "users");
  if (users.c_fail) text += fmt::format(", {} misses it", *users.c_fail);
  if (users.confirmed) text += ", confirmed";
  return text + ")";
}

TextTable users_table(const Comparison& comparison, bool unicode) {
  TextTable table{.title = "Users per GPU at a target",
                  .columns = {{"target", "", Align::kLeft, Column::kAlways},
                              {"baseline", "", Align::kLeft, Column::kAlways},
                              {"candidate", "", Align::kLeft, Column::kAlways},
                              {"ratio", "", Align::kRight, Column::kAlways},
                              {"interpolated", "users", Align::kRight, 1}}};
  const auto interpolated = [unicode](const UsersAtTarget& users) {
    return users.c_interpolated ? format_number(*users.c_interpolated, 1) : dash(unicode);
  };
  bool any = false;
  for (const UsersComparison& users : comparison.users) {
    any |= users.baseline.c_interpolated || users.candidate.c_interpolated;
    table.rows.push_back(
        {.cells = {target_text(users.target), users_cell(users.baseline, unicode),
                   users_cell(users.candidate, unicode),
                   users.per_gpu_ratio ? times_text(*users.per_gpu_ratio, users.kind, unicode)
                                       : dash(unicode),
                   interpolated(users.baseline) + " / " + interpolated(users.candidate)}});
  }
  if (!any) drop_column(table, 4);
  return table;
}

std::string rate_cell(const RateAtTarget& rate, bool unicode) {
  const auto load = [](double rps) { return value_text(at_rate(rps)); };
  std::string text = rate.rate_rps > 0 && rate.rate_per_gpu_rps == 0
                         ? dash(unicode)  // the GPUs are not stated
                         : short_number(rate.rate_per_gpu_rps);
  switch (rate.kind) {
    case UsersKind::kMeasured:
      break;
    case UsersKind::kNoValidLevel:
      return dash(unicode) + " (no valid level)";
    case UsersKind::kBelowSweep:
      return rate.r_fail ? fmt::format("0 ({} misses it)", load(*rate.r_fail))
                         : "0 (no level meets it)";
    case UsersKind::kBeyondSweep:
      return fmt::format("{} {} ({} requests/s, no level misses it)", unicode ? "≥" : ">=", text,
                         load(rate.rate_rps));
  }
  text += fmt::format(" ({} requests/s", load(rate.rate_rps));
  if (rate.r_fail) text += fmt::format(", {} misses it", load(*rate.r_fail));
  if (rate.confirmed) text += ", confirmed";
  return text + ")";
}

TextTable rates_table(const Comparison& comparison, bool unicode) {
  TextTable table{.title = "Requests/s per GPU at a target",
                  .columns = {{"target", "", Align::kLeft, Column::kAlways},
                              {"baseline", "", Align::kLeft, Column::kAlways},
                              {"candidate", "", Align::kLeft, Column::kAlways},
                              {"ratio", "", Align::kRight, Column::kAlways},
                              {"interpolated", "requests/s", Align::kRight, 1}}};
  const auto interpolated = [unicode](const RateAtTarget& rate) {
    return rate.r_interpolated ? format_significant(*rate.r_interpolated) : dash(unicode);
  };
  bool any = false;
  for (const RateComparison& rates : comparison.rates) {
    any |= rates.baseline.r_interpolated || rates.candidate.r_interpolated;
    const std::optional<double> ratio =
        rates.per_gpu_ratio ? rates.per_gpu_ratio : rates.rate_ratio;
    table.rows.push_back(
        {.cells = {target_text(rates.target), rate_cell(rates.baseline, unicode),
                   rate_cell(rates.candidate, unicode),
                   ratio ? times_text(*ratio, rates.kind, unicode) : dash(unicode),
                   interpolated(rates.baseline) + " / " + interpolated(rates.candidate)}});
  }
  if (!any) drop_column(table, 4);
  return table;
}

TextTable equal_latency_table(const Comparison& comparison) {
  TextTable table{.title = "Throughput per GPU at equal median E2E latency",
                  .columns = {{"E2E p50", "ms", Align::kRight, Column::kAlways},
                              {"baseline", "tok/s/GPU", Align::kRight, 3},
                              {"candidate", "tok/s/GPU", Align::kRight, 3},
                              {"ratio", "", Align::kLeft, Column::kAlways}},
                  .footer = "Linear between measured levels, inside both ranges."};
  for (const EqualLatency& row : comparison.equal_latency) {
    table.rows.push_back(
        {.cells = {format_number(row.e2e_p50_ms), format_significant(row.baseline_tps_per_gpu),
                   format_significant(row.candidate_tps_per_gpu),
                   fmt::format("{:.3f}{}", row.ratio, interval_cell(row.ci95))}});
  }
  return table;
}

TextTable weights_table(const Comparison& comparison, bool unicode) {
  TextTable table{.title = "Weights",
                  .columns = {{"", "", Align::kLeft, Column::kAlways},
                              {"baseline", "GB", Align::kRight, 3},
                              {"candidate", "GB", Align::kRight, 3},
                              {"baseline / candidate", "", Align::kRight, Column::kAlways}}};
  if (!comparison.weights_gb) return table;
  const Ratio& weights = *comparison.weights_gb;
  table.rows.push_back(
      {.cells = {"size", short_number(weights.baseline), short_number(weights.candidate),
                 times_text(1 / weights.ratio, RatioKind::kExact, unicode)}});
  return table;
}

std::string score(const std::optional<double>& value, bool unicode) {
  return value ? fmt::format("{:.3f}", *value) : dash(unicode);
}

TextTable quality_table(const Comparison& comparison, bool unicode) {
  TextTable table{.title = "Quality",
                  .columns = {{"benchmark", "", Align::kLeft, Column::kAlways},
                              {"baseline", "score", Align::kRight, 3},
                              {"candidate", "score", Align::kRight, 3},
                              {"difference", "", Align::kRight, 2}}};
  for (const QualityComparison& row : comparison.quality) {
    const bool both = row.baseline && row.candidate;
    table.rows.push_back(
        {.cells = {printable(row.benchmark, kNameBytes), score(row.baseline, unicode),
                   score(row.candidate, unicode),
                   both ? fmt::format("{:+.3f}", *row.candidate - *row.baseline) : dash(unicode)}});
  }
  return table;
}

// "0.394 [0.380, 0.408] better".
std::string short_ratio(const std::optional<Ratio>& ratio, bool valid) {
  if (!ratio) return {};
  std::string text = fmt::format("{:.3f}{}", ratio->ratio, interval_cell(ratio->ci95));
  if (ratio->verdict == Verdict::kNoInterval) return text;  // a note says it of all
  const std::string verdict = verdict_text(*ratio, valid);
  return verdict.empty() ? text : text + " " + verdict;
}

// The figure that is asked for most with its values, and the ratios of the others beside it.
TextTable short_levels(const Comparison& comparison) {
  const Measure e2e = measure_of("e2e");
  std::vector<Measure> others;
  for (const char* key : {"throughput", "throughput_per_gpu", "ttft", "tpot"}) {
    const bool repeated = std::string_view(key) == "throughput_per_gpu" &&
                          comparison.baseline_system.gpus == comparison.candidate_system.gpus;
    const auto has = [&](const LevelComparison& level) {
      return level.ratio_of(measure_of(key)).has_value();
    };
    const bool known = std::any_of(comparison.levels.begin(), comparison.levels.end(), has);
    if (known && !repeated) others.push_back(measure_of(key));
  }
  TextTable table{
      .title = "Levels",
      .columns = {{"level", "", Align::kRight, Column::kAlways},
                  {"baseline", "E2E p50, ms", Align::kRight, Column::kAlways},
                  {"candidate", "E2E p50, ms", Align::kRight, Column::kAlways},
                  {short_heading(e2e), "ratio", Align::kLeft, Column::kAlways, terms_of(e2e)}}};
  int keep = 10;
  for (const Measure& measure : others) {
    table.columns.push_back(
        {short_heading(measure), "ratio", Align::kLeft, --keep, terms_of(measure)});
  }
  const auto add_row = [&](std::string name, bool valid, const auto& ratio_of) {
    const std::optional<Ratio>& latency = ratio_of(e2e);
    Row row{.cells = {std::move(name), latency ? format_significant(latency->baseline) : "",
                      latency ? format_significant(latency->candidate) : "",
                      short_ratio(latency, valid)},
            .sgr = latency ? sgr_of(*latency) : ""};
    for (const Measure& measure : others)
      row.cells.push_back(short_ratio(ratio_of(measure), valid));
    table.rows.push_back(std::move(row));
  };
  if (comparison.sweep_levels.size() > 1) {
    add_row("all", true, [&](const Measure& m) -> const std::optional<Ratio>& {
      return comparison.sweep_ratio_of(m);
    });
  }
  for (const LevelComparison& level : comparison.levels) {
    add_row(value_text(level.point), level.baseline_valid && level.candidate_valid,
            [&](const Measure& m) -> const std::optional<Ratio>& { return level.ratio_of(m); });
  }
  return table;
}

void add(std::vector<TextTable>& tables, TextTable table) {
  if (!table.rows.empty()) tables.push_back(std::move(table));
}

bool over_the_sweep(const Comparison& comparison) {
  return std::any_of(comparison.headlines.begin(), comparison.headlines.end(),
                     [](const llmsweep::Headline& headline) { return headline.levels > 1; });
}

std::string headline_times(const Comparison& comparison, HeadlineKind kind, bool unicode) {
  for (const llmsweep::Headline& headline : comparison.headlines) {
    if (headline.kind != kind) continue;
    const double ratio = kind == HeadlineKind::kLatency ? 1 / headline.ratio : headline.ratio;
    return times_text(ratio, RatioKind::kExact, unicode);
  }
  return dash(unicode);
}

}  // namespace

std::string times_text(double ratio, RatioKind kind, bool unicode) {
  const std::string times = short_number(ratio) + (unicode ? "×" : "x");
  switch (kind) {
    case RatioKind::kAtLeast:
      return (unicode ? "≥ " : ">= ") + times;
    case RatioKind::kAtMost:
      return (unicode ? "≤ " : "<= ") + times;
    case RatioKind::kExact:
    case RatioKind::kUndefined:
      break;
  }
  return times;
}

std::string verdict_text(const Ratio& ratio, bool valid) {
  if (!ratio.verdict) {
    if (!valid) return "invalid level";
    if (!ratio.sound) return "invalid figure";
    return ratio.complete ? "" : "a repeat lacks it";
  }
  switch (*ratio.verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kNoDifferenceShown:
      return "no difference shown";
    case Verdict::kNoInterval:
      break;
  }
  return "one repeat";
}

namespace {

// How two sides of `llmsweep versus` were compared.
std::string pairs_text(const Pairs& pairs) {
  std::string text = fmt::format(
      "Measured side by side, in {} rounds of pairs: intervals are Student's t on the pairs.",
      pairs.rounds);
  if (pairs.dropped > 0) {
    text += fmt::format(" {} {} dropped: one of the two runs is not valid.", pairs.dropped,
                        pairs.dropped == 1 ? "pair is" : "pairs are");
  }
  if (!pairs.drift) return text;
  const Drift& drift = *pairs.drift;
  const auto percent = [](double ratio) { return 100 * (ratio - 1); };
  const std::string time = drift.seconds < 180 ? fmt::format("{:.0f} s", drift.seconds)
                                               : fmt::format("{:.0f} min", drift.seconds / 60);
  return text + fmt::format(
                    " Drift of both sides' median E2E: {:+.1f} % [{:+.1f}, {:+.1f}] over {}, "
                    "which is in no ratio here; two sweeps, one after the other, would "
                    "have had about half of it between them.",
                    percent(drift.ratio), percent(drift.ci95.low), percent(drift.ci95.high), time);
}

}  // namespace

std::string family_text(const Comparison& comparison) {
  const Family& family = comparison.family;
  std::string text = comparison.pairs ? pairs_text(*comparison.pairs) : "";
  if (family.rows < 2) return text;
  if (!text.empty()) text += " ";
  return text + fmt::format(
                    "Of {} rows {} would look different by chance: a verdict stands where it "
                    "survives Holm's "
                    "correction over all of them. Intervals are each row's own.",
                    family.rows, short_number(family.by_chance()));
}

std::string same_fields(const Comparison& comparison) {
  std::vector<std::string> same;
  for (const FieldReport& field : comparison.fields) {
    if (field.state == FieldState::kSame) {
      same.push_back(fmt::format("{} {}", field.field, field_value(field, field.baseline)));
    }
  }
  return join(same, ", ");
}

std::vector<TextTable> tables_of(const Comparison& comparison, const std::vector<Measure>& measures,
                                 bool unicode) {
  std::vector<TextTable> tables;
  add(tables, fields_table(comparison));
  add(tables, users_table(comparison, unicode));
  add(tables, rates_table(comparison, unicode));
  for (const Measure& measure : measures) {
    add(tables, level_table_of(comparison, measure));
  }
  add(tables, equal_latency_table(comparison));
  add(tables, weights_table(comparison, unicode));
  add(tables, quality_table(comparison, unicode));
  return tables;
}

std::vector<TextTable> short_tables_of(const Comparison& comparison, bool unicode) {
  std::vector<TextTable> tables;
  add(tables, users_table(comparison, unicode));
  add(tables, rates_table(comparison, unicode));
  add(tables, short_levels(comparison));
  add(tables, quality_table(comparison, unicode));
  add(tables, fields_table(comparison));
  return tables;
}

TextTable summary_of(std::span<const Comparison> comparisons, bool unicode) {
  TextTable table{.title = "Against " + name_text(comparisons.front().baseline_name),
                  .columns = {{"candidate", "", Align::kLeft, Column::kAlways}}};
  // The rows have the targets of the first comparison; another's own stand in its tables.
  const auto& targets = comparisons.front().users;
  const auto& of_rates = comparisons.front().rates;
  for (const UsersComparison& users : targets) {
    table.columns.push_back({"users per GPU", target_text(users.target), Align::kRight, 4});
  }
  for (const RateComparison& rates : of_rates) {
    table.columns.push_back({"requests/s per GPU", target_text(rates.target), Align::kRight, 4});
  }
  const bool whole = over_the_sweep(comparisons.front());
  table.columns.push_back({"E2E p50", whole ? "all levels" : "lowest level", Align::kRight, 3});
  table.columns.push_back({"tok/s/GPU", whole ? "all levels" : "highest level", Align::kRight, 2});
  for (const Comparison& comparison : comparisons) {
    Row row{.cells = {name_text(comparison.candidate_name)}};
    for (const UsersComparison& wanted : targets) {
      std::string cell = dash(unicode);
      for (const UsersComparison& users : comparison.users) {
        if (users.target == wanted.target && users.per_gpu_ratio) {
          cell = times_text(*users.per_gpu_ratio, users.kind, unicode);
        }
      }
      row.cells.push_back(std::move(cell));
    }
    for (const RateComparison& wanted : of_rates) {
      std::string cell = dash(unicode);
      for (const RateComparison& rates : comparison.rates) {
        if (rates.target == wanted.target && rates.per_gpu_ratio) {
          cell = times_text(*rates.per_gpu_ratio, rates.kind, unicode);
        }
      }
      row.cells.push_back(std::move(cell));
    }
    row.cells.push_back(headline_times(comparison, HeadlineKind::kLatency, unicode));
    row.cells.push_back(headline_times(comparison, HeadlineKind::kThroughputPerGpu, unicode));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace llmsweep::report

#include "llmsweep/analysis/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/compare_users.h"
#include "analysis/equal_latency.h"
#include "analysis/headlines.h"
#include "analysis/pairing.h"
#include "analysis/reader_notes.h"
#include "analysis/session.h"
#include "analysis/whole_result.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/server_findings.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

void check_allowed_names(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto& fields = comparable_fields();
    if (std::find(fields.begin(), fields.end(), name) == fields.end()) {
      throw Error({.what = fmt::format("'{}' is not a field that can differ", printable(name)),
                   .where = "--allow-different",
                   .next = suggestion(name, fields)});
    }
  }
}

// Error with every unlike field that is not allowed; the allowed ones become notes.
std::vector<std::string> refuse_unlike(const Comparison& comparison,
                                       const std::vector<std::string>& allowed) {
  std::vector<std::string> refused, flags, notes;
  for (const FieldReport& field : comparison.fields) {
    if (field.state != FieldState::kUnlike) continue;
    const std::string text =
        fmt::format("{}: {} in '{}', {} in '{}'", field.field, printable(field.baseline),
                    printable(comparison.baseline_name), printable(field.candidate),
                    printable(comparison.candidate_name));
    if (std::find(allowed.begin(), allowed.end(), field.field) == allowed.end()) {
      refused.push_back(text);
      flags.push_back("--allow-different " + field.field);
    } else {
      notes.push_back("Unlike, and compared because it was allowed: " + text);
    }
  }
  if (!refused.empty()) {
    throw Error({.what = "the workloads differ; " + join(refused, "; "),
                 .where = {},
                 .next = "to compare them all the same, add " + join(flags, " ")});
  }
  return notes;
}

struct Sides {
  const LevelStats& baseline;
  const LevelStats& candidate;
  int baseline_gpus;
  int candidate_gpus;
  double noise;       // of the sessions, in the log ratio
  bool side_by_side;  // by `llmsweep versus`

  bool with_drain() const { return has_drain(baseline.pooled) || has_drain(candidate.pooled); }
  bool valid() const { return baseline.pooled.valid && candidate.pooled.valid; }
  bool paired() const {
    return side_by_side ? have_the_same_repeats(baseline, candidate)
                        : same_schedules(baseline, candidate);
  }
};

// A row before its verdict, which needs the whole family.
struct Row {
  std::optional<Ratio> ratio;
  std::optional<double> p_value;
  bool may_be_judged = false;  // both levels valid, the figures sound and complete
};

CompareOptions options_for(const Measure& measure, double min_effect) {
  const bool arithmetic = measure.quantity->pooling == Pooling::kMean;
  return {.direction = *measure.quantity->better,
          .minimum_effect = min_effect,
          .mean = arithmetic ? MeanKind::kArithmetic : MeanKind::kGeometric};
}

void take_intervals(const RatioComparison& comparison, double noise, Ratio& ratio) {
  ratio.ci95 = comparison.interval;
  if (noise > 0) ratio.within_sessions = comparison.within;
}

Row row_of(const Sides& sides, const Measure& measure) {
  const bool drain = sides.with_drain();
  const LevelFigure a = figure_of(sides.baseline, measure, {drain, sides.baseline_gpus});
  const LevelFigure b = figure_of(sides.candidate, measure, {drain, sides.candidate_gpus});
  CompareOptions options = options_for(measure, 0);
  options.noise = sides.noise;
  options.paired = sides.paired();
  if (!a.value || !b.value) return {};
  Ratio ratio{.baseline = *a.value, .candidate = *b.value};
  const bool pairs =
      options.paired && a.runs.size() == b.runs.size() && a.runs.size() >= kFewestPairs;
  const bool between = a.between_runs && b.between_runs && a.runs.size() > 1 && b.runs.size() > 1 &&
                       (pairs || !sides.side_by_side);
  const auto result = between ? compare_ratio(a.runs, b.runs, options)
                              : compare_ratio({&*a.value, 1}, {&*b.value, 1}, options);
  if (!result) return {};
  ratio.ratio = result->ratio;
  take_intervals(*result, sides.noise, ratio);
  ratio.sound = a.sound && b.sound;
  ratio.complete = a.lacking.empty() && b.lacking.empty();
  const bool judged =
      can_be_judged(sides.baseline, measure) && can_be_judged(sides.candidate, measure);
  ratio.judgeable = judged && ratio.complete;
  return {.ratio = ratio, .p_value = result->p_value, .may_be_judged = ratio.judgeable};
}

RunValues values_of(const LevelStats& level, const Measure& measure, const Reading& reading) {
  RunValues values;
  for (const RunStats& run : level.runs) {
    if (const auto value = value_of(run, measure, reading)) values[run.repeat] = *value;
  }
  return values;
}

// Over the levels that may be judged by themselves.
Row sweep_row_of(const std::vector<Sides>& levels, const Measure& measure) {
  std::vector<RunValues> baseline, candidate;
  double logs = 0, of_baseline = 0, of_candidate = 0;
  bool paired = true;
  for (const Sides& sides : levels) {
    const Row row = row_of(sides, measure);
    if (!row.may_be_judged || row.ratio->baseline <= 0 || row.ratio->candidate <= 0) continue;
    const bool drain = sides.with_drain();
    baseline.push_back(values_of(sides.baseline, measure, {drain, sides.baseline_gpus}));
    candidate.push_back(values_of(sides.candidate, measure, {drain, sides.candidate_gpus}));
    paired = paired && sides.paired();
    logs += std::log(row.ratio->ratio);
    of_baseline += std::log(row.ratio->baseline);
    of_candidate += std::log(row.ratio->candidate);
  }
  if (baseline.size() < 2) return {};
  const double count = static_cast<double>(baseline.size());
  Ratio ratio{.baseline = std::exp(of_baseline / count),
              .candidate = std::exp(of_candidate / count),
              .ratio = std::exp(logs / count),
              .levels = static_cast<int>(baseline.size())};
  CompareOptions options = options_for(measure, 0);
  options.mean = MeanKind::kGeometric;
  options.noise = levels.front().noise;
  options.paired = paired;
  const std::vector<double> of_a = sweep_values(baseline), of_b = sweep_values(candidate);
  const bool too_few = levels.front().side_by_side && of_a.size() < kFewestPairs;
  const auto result = too_few ? std::nullopt : compare_ratio(of_a, of_b, options);
  if (!result || !result->interval) return {.ratio = ratio, .may_be_judged = true};
  ratio.ratio = result->ratio;
  take_intervals(*result, options.noise, ratio);
  return {.ratio = ratio, .p_value = result->p_value, .may_be_judged = true};
}

// Gathers the rows that are shown, and gives each its verdict when all are there.
class FamilyOfRows {
 public:
  void add(Ratio& ratio, const Measure& measure, std::optional<double> p_value) {
    rows_.push_back({&ratio, measure});
    if (p_value) tested_.push_back({rows_.size() - 1, *p_value});
  }
  Family judge(double min_effect) {
    std::vector<double> p_values;
    for (const Tested& tested : tested_) p_values.push_back(tested.p_value);
    const std::vector<double> adjusted = holm_adjusted(p_values);
    for (size_t i = 0; i < tested_.size(); ++i) {
      rows_[tested_[i].row].ratio->p_adjusted = adjusted[i];
    }
    for (const Shown& row : rows_) {
      Ratio& ratio = *row.ratio;
      ratio.judged = true;
      ratio.verdict =
          verdict_of({.ratio = ratio.ratio, .interval = ratio.ci95}, ratio.p_adjusted.value_or(1),
                     options_for(row.measure, min_effect));
    }
    return {.rows = static_cast<int>(tested_.size())};
  }

 private:
  struct Shown {
    Ratio* ratio;
    Measure measure;
  };
  struct Tested {
    size_t row;
    double p_value;
  };
  std::vector<Shown> rows_;
  std::vector<Tested> tested_;
};

bool is_in(const std::vector<Measure>& measures, const Measure& measure) {
  return std::find(measures.begin(), measures.end(), measure) != measures.end();
}

// Those over the sweep are told first, whatever tables are asked for.
bool is_headline(const Measure& measure) {
  return measure == measure_of("e2e") || measure == measure_of("throughput_per_gpu");
}

std::vector<Sides> common_levels(const SweepResult& baseline, const SweepResult& candidate,
                                 double noise, bool side_by_side) {
  std::vector<const LevelStats*> ascending;
  for (const LevelStats& level : baseline.levels) ascending.push_back(&level);
  std::sort(ascending.begin(), ascending.end(),
            [](const LevelStats* a, const LevelStats* b) { return a->point < b->point; });
  std::vector<Sides> common;
  for (const LevelStats* level : ascending) {
    if (const LevelStats* other = find_level(candidate, level->point)) {
      common.push_back(
          {*level, *other, baseline.system.gpus, candidate.system.gpus, noise, side_by_side});
    }
  }
  return common;
}

void list_other_levels(const SweepResult& baseline, const SweepResult& candidate,
                       Comparison& comparison) {
  const auto only_in = [](const SweepResult& one, const SweepResult& other) {
    std::vector<LoadPoint> points;
    for (const LevelStats& level : one.levels) {
      if (find_level(other, level.point) == nullptr) points.push_back(level.point);
    }
    std::sort(points.begin(), points.end());
    return points;
  };
  comparison.only_baseline = only_in(baseline, candidate);
  comparison.only_candidate = only_in(candidate, baseline);
}

void compare_levels(const SweepResult& baseline, const SweepResult& candidate,
                    Comparison& comparison) {
  const std::vector<Sides> common = common_levels(
      baseline, candidate, noise_of_two(comparison.session_noise), comparison.pairs.has_value());
  const std::vector<Measure>& measures = comparison.measures;
  std::vector<std::vector<Row>> rows;
  for (const Sides& sides : common) {
    if (sides.valid()) comparison.sweep_levels.push_back(sides.baseline.point);
    comparison.levels.push_back({.point = sides.baseline.point,
                                 .baseline_repeats = repeats_of(sides.baseline),
                                 .candidate_repeats = repeats_of(sides.candidate),
                                 .baseline_valid = sides.baseline.pooled.valid,
                                 .candidate_valid = sides.candidate.pooled.valid,
                                 .with_drain = sides.with_drain(),
                                 .paired = sides.paired()});
    rows.emplace_back();
    for (const Measure& measure : measures) {
      rows.back().push_back(row_of(sides, measure));
      comparison.levels.back().measures.push_back({measure, rows.back().back().ratio});
    }
  }
  std::vector<Row> over_sweep;
  for (const Measure& measure : measures) {
    over_sweep.push_back(sweep_row_of(common, measure));
    comparison.sweep.push_back({measure, over_sweep.back().ratio});
  }
  FamilyOfRows family;
  for (size_t i = 0; i < measures.size(); ++i) {
    const bool shown = is_in(comparison.shown, measures[i]);
    std::optional<Ratio>& sweep = comparison.sweep[i].ratio;
    if (sweep && (shown || is_headline(measures[i]))) {
      family.add(*sweep, measures[i], over_sweep[i].p_value);
    }
    for (size_t level = 0; shown && level < rows.size(); ++level) {
      std::optional<Ratio>& ratio = comparison.levels[level].measures[i].ratio;
      if (rows[level][i].may_be_judged) family.add(*ratio, measures[i], rows[level][i].p_value);
    }
  }
  comparison.family = family.judge(comparison.min_effect);
  list_other_levels(baseline, candidate, comparison);
}

std::vector<QualityComparison> compare_quality(const SweepResult& baseline,
                                               const SweepResult& candidate) {
  std::vector<QualityComparison> rows;
  for (const auto& [benchmark, score] : baseline.quality) {
    rows.push_back({.benchmark = benchmark, .baseline = score});
  }
  for (const auto& [benchmark, score] : candidate.quality) {
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&wanted = benchmark](const QualityComparison& other) {
                                    return other.benchmark == wanted;
                                  });
    if (row == rows.end()) {
      rows.push_back({.benchmark = benchmark, .candidate = score});
    } else {
      row->candidate = score;
    }
  }
  return rows;
}

std::optional<Ratio> compare_weights(const SystemSpec& baseline, const SystemSpec& candidate) {
  if (!baseline.weights_gb || !candidate.weights_gb) return std::nullopt;
  if (*baseline.weights_gb <= 0 || *candidate.weights_gb <= 0) return std::nullopt;
  return Ratio{.baseline = *baseline.weights_gb,
               .candidate = *candidate.weights_gb,
               .ratio = *candidate.weights_gb / *baseline.weights_gb};
}

bool states_no_difference(const std::vector<FieldReport>& fields) {
  return std::all_of(fields.begin(), fields.end(), [](const FieldReport& field) {
    const bool unknown_to_both =
        field.state == FieldState::kUnknown && field.baseline == field.candidate;
    return field.state == FieldState::kSame || unknown_to_both;
  });
}

void add_reader_notes(const SweepResult& baseline, const SweepResult& candidate,
                      Comparison& comparison) {
  std::vector<std::string>& notes = comparison.notes;
  const auto add = [&notes](std::vector<std::string> more) {
    notes.insert(notes.end(), more.begin(), more.end());
  };
  const std::string between =
      fmt::format("'{}' and '{}'", printable(baseline.name), printable(candidate.name));
  if (std::string refusal = pairing_refusal(baseline, candidate); !refusal.empty()) {
    notes.push_back(std::move(refusal));
  }
  if (same_measurement(baseline, candidate)) {
    notes.push_back(fmt::format("{} are the same measurement: they share runs.", between));
  }
  if (states_no_difference(comparison.fields)) {
    notes.push_back(
        "Both describe the same system and workload: without a change that they do not state this "
        "is an A/A comparison, and any difference is noise.");
  }
  add(unlike_notes(comparison.fields, between));
  for (const SweepResult* side : {&baseline, &candidate}) add(source_notes(*side));
  for (const SweepResult* side : {&baseline, &candidate}) add(level_notes(*side));
}

void explain(const SweepResult& baseline, const SweepResult& candidate, Comparison& comparison) {
  for (const LevelStats& there : candidate.levels) {
    for (const LevelStats& here : baseline.levels) {
      if (here.point != there.point) continue;
      const std::vector<std::string> differences = server_differences(here, there);
      if (differences.empty()) continue;
      comparison.server.push_back(fmt::format("At {} the server of '{}' {}.", text_of(there.point),
                                              printable(candidate.name), join(differences, "; ")));
    }
  }
}

void note_sessions(Comparison& comparison) {
  const bool any = std::any_of(comparison.levels.begin(), comparison.levels.end(),
                               [](const LevelComparison& level) {
                                 const auto& e2e = level.ratio_of(measure_of("e2e"));
                                 const auto& tps = level.ratio_of(measure_of("throughput"));
                                 return (e2e && e2e->ci95) || (tps && tps->ci95);
                               });
  if (!any || comparison.session_noise <= 0) return;
  comparison.notes.push_back(
      fmt::format("Two sessions of measurement, {}: {:g} % of noise between sessions is in the "
                  "intervals, which repeats inside one do not show (--session-noise).",
                  comparison.session_gap, comparison.session_noise * 100));
}

void note_repeats(Comparison& comparison) {
  const bool single = std::any_of(
      comparison.levels.begin(), comparison.levels.end(), [](const LevelComparison& level) {
        return level.baseline_repeats < 2 || level.candidate_repeats < 2;
      });
  if (single) {
    comparison.notes.emplace_back(
        "No between-run interval exists where a side has one repeat: those ratios stand without a "
        "verdict.");
  }
  const bool drained = std::any_of(comparison.levels.begin(), comparison.levels.end(),
                                   [](const LevelComparison& level) { return level.with_drain; });
  if (drained) {
    comparison.notes.emplace_back(
        "A side has no steady throughput: the output throughputs are compared, which may have the "
        "drain in them.");
  }
}

void note_open_loop(const Comparison& comparison, std::vector<std::string>& notes) {
  const auto is_paired = [](const LevelComparison& level) { return level.paired; };
  const auto is_open = [](const LevelComparison& level) { return !level.point.is_closed(); };
  const std::vector<LevelComparison>& levels = comparison.levels;
  if (std::none_of(levels.begin(), levels.end(), is_open)) return;
  notes.emplace_back(
      "Near its capacity an open loop magnifies: 5 % slower steps are 13 to 23 % more latency. "
      "What "
      "the capacities differ by is the ratio of the requests/s at one latency.");
  if (std::all_of(levels.begin(), levels.end(), is_paired)) {
    notes.emplace_back(
        "Runs are paired: in each repeat both sides had the same arrivals (schedule_sha256), and "
        "intervals are of the repeats' log ratios.");
  } else {
    notes.emplace_back(
        "Runs are not paired: the arrivals of the two sides differ (schedule_sha256), so that many "
        "more repeats are needed.");
  }
}

const std::optional<Ratio>& ratio_in(const std::vector<ComparedMeasure>& compared,
                                     const Measure& measure) {
  static const std::optional<Ratio> kNone;
  for (const ComparedMeasure& row : compared) {
    if (row.measure == measure) return row.ratio;
  }
  return kNone;
}

}  // namespace

const std::optional<Ratio>& LevelComparison::ratio_of(const Measure& measure) const {
  return ratio_in(measures, measure);
}

const std::optional<Ratio>& Comparison::sweep_ratio_of(const Measure& measure) const {
  return ratio_in(sweep, measure);
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kNoDifferenceShown:
      return "no_difference_shown";
    case Verdict::kNoInterval:
      return "no_interval";
  }
  return "no_interval";
}

Comparison compare(const SweepResult& baseline, const SweepResult& candidate,
                   const ComparisonOptions& options) {
  check_allowed_names(options.allow_different);
  for (const SweepResult* side : {&baseline, &candidate}) require_whole(*side);
  Comparison comparison{.baseline_name = baseline.name,
                        .candidate_name = candidate.name,
                        .baseline_system = baseline.system,
                        .candidate_system = candidate.system,
                        .fields = compatibility(baseline, candidate),
                        .min_effect = options.min_effect,
                        .measures = compared_measures(),
                        .shown = options.measures};
  if (comparison.shown.empty()) comparison.shown = compare_table_measures();
  for (const Measure& more : options.measures) {
    const auto& known = comparison.measures;
    if (std::find(known.begin(), known.end(), more) == known.end()) {
      comparison.measures.push_back(more);
    }
  }
  comparison.notes = refuse_unlike(comparison, options.allow_different);
  if (are_paired(baseline, candidate)) {
    const PairedResults paired = pairs_of(baseline, candidate);
    comparison.pairs = paired.pairs;
    add_reader_notes(baseline, candidate, comparison);
    compare_levels(paired.baseline, paired.candidate, comparison);
  } else {
    comparison.session_gap = session_gap(baseline, candidate);
    if (!comparison.session_gap.empty()) comparison.session_noise = options.session_noise;
    add_reader_notes(baseline, candidate, comparison);
    compare_levels(baseline, candidate, comparison);
  }
  explain(baseline, candidate, comparison);
  note_sessions(comparison);
  note_repeats(comparison);
  note_open_loop(comparison, comparison.notes);
  const std::vector<Target> targets = targets_of(baseline, candidate, options);
  comparison.users = compare_users(baseline, candidate, targets);
  comparison.rates = compare_rates(baseline, candidate, targets);
  comparison.equal_latency =
      equal_latency(baseline, candidate, targets, noise_of_two(comparison.session_noise));
  comparison.weights_gb = compare_weights(baseline.system, candidate.system);
  comparison.quality = compare_quality(baseline, candidate);
  comparison.headlines = headlines_of(comparison);
  return comparison;
}

std::vector<Comparison> compare_all(const SweepResult& baseline,
                                    std::span<const SweepResult> candidates,
                                    const ComparisonOptions& options) {
  std::vector<Comparison> comparisons;
  comparisons.reserve(candidates.size());
  for (const SweepResult& candidate : candidates) {
    comparisons.push_back(compare(baseline, candidate, options));
  }
  return comparisons;
}

}  // namespace llmsweep

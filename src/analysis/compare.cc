#include "llmsweep/analysis/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/compare_users.h"
#include "analysis/equal_latency.h"
#include "analysis/headlines.h"
#include "analysis/reader_notes.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/level_figure.h"

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
  double min_effect;

  bool with_drain() const { return has_drain(baseline.pooled) || has_drain(candidate.pooled); }
};

std::optional<Ratio> ratio_of(const Sides& sides, const Measure& measure) {
  const bool drain = sides.with_drain();
  const LevelFigure a = figure_of(sides.baseline, measure, {drain, sides.baseline_gpus});
  const LevelFigure b = figure_of(sides.candidate, measure, {drain, sides.candidate_gpus});
  const bool arithmetic = measure.quantity->pooling == Pooling::kMean;
  const CompareOptions options{.direction = *measure.quantity->better,
                               .minimum_effect = sides.min_effect,
                               .mean = arithmetic ? MeanKind::kArithmetic : MeanKind::kGeometric};
  if (!a.value || !b.value) return std::nullopt;
  Ratio ratio{.baseline = *a.value, .candidate = *b.value};
  const bool between = a.between_runs && b.between_runs && a.runs.size() > 1 && b.runs.size() > 1;
  const auto result = between ? compare_ratio(a.runs, b.runs, options)
                              : compare_ratio({&*a.value, 1}, {&*b.value, 1}, options);
  if (!result) return std::nullopt;
  ratio.ratio = result->ratio;
  ratio.ci95 = result->interval;
  const bool valid = sides.baseline.pooled.valid && sides.candidate.pooled.valid;
  ratio.sound = a.sound && b.sound;
  ratio.complete = a.lacking.empty() && b.lacking.empty();
  if (valid && ratio.sound && ratio.complete) ratio.verdict = result->verdict;
  return ratio;
}

LevelComparison compare_level(const Sides& sides, const std::vector<Measure>& measures) {
  LevelComparison level{
      .point = sides.baseline.point,
      .baseline_repeats = repeats_of(sides.baseline),
      .candidate_repeats = repeats_of(sides.candidate),
      .baseline_valid = sides.baseline.pooled.valid,
      .candidate_valid = sides.candidate.pooled.valid,
      .with_drain = sides.with_drain(),
  };
  for (const Measure& measure : measures) {
    level.measures.push_back({measure, ratio_of(sides, measure)});
  }
  return level;
}

void compare_levels(const SweepResult& baseline, const SweepResult& candidate,
                    Comparison& comparison) {
  for (const LevelStats& level : baseline.levels) {
    if (const LevelStats* other = find_level(candidate, level.point)) {
      const Sides sides{level, *other, baseline.system.gpus, candidate.system.gpus,
                        comparison.min_effect};
      comparison.levels.push_back(compare_level(sides, comparison.measures));
    } else {
      comparison.only_baseline.push_back(level.point);
    }
  }
  for (const LevelStats& level : candidate.levels) {
    if (find_level(baseline, level.point) == nullptr) {
      comparison.only_candidate.push_back(level.point);
    }
  }
  std::sort(comparison.levels.begin(), comparison.levels.end(),
            [](const LevelComparison& a, const LevelComparison& b) { return a.point < b.point; });
  std::sort(comparison.only_baseline.begin(), comparison.only_baseline.end());
  std::sort(comparison.only_candidate.begin(), comparison.only_candidate.end());
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

void add_reader_notes(const SweepResult& baseline, const SweepResult& candidate,
                      Comparison& comparison) {
  std::vector<std::string>& notes = comparison.notes;
  const auto add = [&notes](std::vector<std::string> more) {
    notes.insert(notes.end(), more.begin(), more.end());
  };
  const std::string between =
      fmt::format("'{}' and '{}'", printable(baseline.name), printable(candidate.name));
  if (same_measurement(baseline, candidate)) {
    notes.push_back(fmt::format("{} are the same measurement: they share runs.", between));
  }
  add(unlike_notes(comparison.fields, between));
  for (const SweepResult* side : {&baseline, &candidate}) add(source_notes(*side));
  for (const SweepResult* side : {&baseline, &candidate}) add(level_notes(*side));
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

}  // namespace

const std::optional<Ratio>& LevelComparison::ratio_of(const Measure& measure) const {
  static const std::optional<Ratio> kNone;
  for (const ComparedMeasure& compared : measures) {
    if (compared.measure == measure) return compared.ratio;
  }
  return kNone;
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
  Comparison comparison{.baseline_name = baseline.name,
                        .candidate_name = candidate.name,
                        .baseline_system = baseline.system,
                        .candidate_system = candidate.system,
                        .fields = compatibility(baseline, candidate),
                        .min_effect = options.min_effect,
                        .measures = compared_measures()};
  for (const Measure& more : options.measures) {
    const auto& known = comparison.measures;
    if (std::find(known.begin(), known.end(), more) == known.end()) {
      comparison.measures.push_back(more);
    }
  }
  comparison.notes = refuse_unlike(comparison, options.allow_different);
  add_reader_notes(baseline, candidate, comparison);
  compare_levels(baseline, candidate, comparison);
  note_repeats(comparison);
  const std::vector<Target> targets = targets_of(baseline, candidate, options);
  comparison.users = compare_users(baseline, candidate, targets);
  comparison.equal_latency = equal_latency(baseline, candidate, targets);
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

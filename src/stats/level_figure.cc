#include "llmsweep/stats/level_figure.h"

#include <algorithm>

#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

bool have_logarithms(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value > 0; });
}

// The interval that the file holds; nothing but the median of a distribution has one.
std::optional<Interval> stored_interval(const LevelStats& level, const Measure& measure) {
  const Quantity& quantity = *measure.quantity;
  const bool other = quantity.distribution != nullptr && measure.statistic != Statistic::kP50;
  return quantity.between_runs == nullptr || other ? std::nullopt : level.*quantity.between_runs;
}

// False: the figure is that of the pooled level.
bool fill_from_runs(LevelFigure& figure, Pooling pooling) {
  if (figure.runs.size() < 2) return false;
  switch (pooling) {
    case Pooling::kGeometricMean:
      if (!have_logarithms(figure.runs)) return false;
      figure.value = geometric_mean(figure.runs);
      figure.ci95 = log_student_interval(figure.runs);
      break;
    case Pooling::kMean:
      figure.value = moments_of(figure.runs).mean;
      figure.ci95 = student_interval(figure.runs);
      break;
    case Pooling::kWorst:
    case Pooling::kSum:
    case Pooling::kRequests:
      return false;
  }
  figure.between_runs = true;
  return true;
}

// Of an overloaded level no latency has a value, though one of its runs may have had one.
bool has_none(const LevelStats& level, const Quantity& quantity) {
  return level.pooled.is_overloaded() && quantity.is_latency();
}

// Of a level of one run, and of one of which a file tells no runs.
void fill_pooled(LevelFigure& figure, const LevelStats& level, const Measure& measure) {
  const Quantity& quantity = *measure.quantity;
  figure.value = figure.pooled;
  if (quantity.distribution == nullptr || measure.statistic != Statistic::kP50) return;
  const Distribution& distribution = level.pooled.*quantity.distribution;
  figure.ci95 = distribution.p50_ci95;
  if (!figure.value) figure.at_most = distribution.p50_at_most;
}

}  // namespace

LevelFigure figure_of(const LevelStats& level, const Measure& measure, const Reading& reading) {
  const Quantity& quantity = *measure.quantity;
  LevelFigure figure{.pooled = value_of(level.pooled, measure, reading)};
  for (const RunStats& run : level.runs) {
    if (has_none(level, quantity)) break;
    if (const auto value = value_of(run, measure, reading)) {
      figure.runs.push_back(*value);
    } else {
      figure.lacking.push_back(run.repeat);
    }
  }
  if (!fill_from_runs(figure, quantity.pooling)) fill_pooled(figure, level, measure);
  if (const auto stored = stored_interval(level, measure)) {
    figure.ci95 = stored;
    figure.between_runs = true;
  }
  if (!figure.value) figure.lacking.clear();
  figure.sound = is_sound(level.pooled, measure);
  figure.with_drain = quantity.of == throughput_of && figure.value && reading.with_drain;
  return figure;
}

LevelFigure figure_of(const LevelStats& level, const Measure& measure) {
  return figure_of(level, measure, {.with_drain = has_drain(level.pooled)});
}

const LevelStats* find_level(const SweepResult& result, LoadPoint point) {
  const auto found = std::find_if(result.levels.begin(), result.levels.end(),
                                  [&](const LevelStats& level) { return level.point == point; });
  return found == result.levels.end() ? nullptr : &*found;
}

int repeats_of(const LevelStats& level) {
  return std::max(1, static_cast<int>(level.runs.size()));
}

}  // namespace llmsweep

#include "llmsweep/stats/drift.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {
namespace {

struct RunAt {
  double seconds;
  double log;
};

// Nothing where a run does not say when it began, or has no figure.
std::optional<std::vector<RunAt>> runs_of(const LevelStats& level, const Measure& measure) {
  const Reading reading{.with_drain = has_drain(level.pooled)};
  std::vector<RunAt> runs;
  for (const RunStats& run : level.runs) {
    const auto value = value_of(run, measure, reading);
    if (!run.started_s || !value || !(*value > 0)) return std::nullopt;
    runs.push_back({*run.started_s, std::log(*value)});
  }
  return runs;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

bool Drift::exceeds_the_interval() const {
  const bool shown = ci95.low > 1 || ci95.high < 1;
  return shown && std::abs(std::log(ratio)) > half_width;
}

std::optional<Drift> drift_of(std::span<const LevelStats> levels, const Measure& measure) {
  double of_time = 0, of_both = 0, of_logs = 0, first = HUGE_VAL, last = -HUGE_VAL, degrees = -1;
  std::vector<double> half_widths;
  for (const LevelStats& level : levels) {
    const auto runs = runs_of(level, measure);
    if (!level.pooled.valid || !runs || runs->size() < 2) continue;
    double time = 0, logs = 0;
    for (const RunAt& run : *runs) {
      time += run.seconds / static_cast<double>(runs->size());
      logs += run.log / static_cast<double>(runs->size());
      first = std::min(first, run.seconds);
      last = std::max(last, run.seconds);
    }
    double squares = 0;
    for (const RunAt& run : *runs) {
      of_time += (run.seconds - time) * (run.seconds - time);
      of_both += (run.seconds - time) * (run.log - logs);
      squares += (run.log - logs) * (run.log - logs);
    }
    const double n = static_cast<double>(runs->size());
    of_logs += squares;
    degrees += n - 1;
    half_widths.push_back(student_quantile(0.975, n - 1) * std::sqrt(squares / (n - 1) / n));
  }
  if (degrees < 2 || !(of_time > 0)) return std::nullopt;
  const double slope = of_both / of_time, span = last - first;
  const double left = std::max(0.0, of_logs - slope * of_both) / degrees;
  const double half = student_quantile(0.975, degrees) * std::sqrt(left / of_time) * span;
  return Drift{.ratio = std::exp(slope * span),
               .ci95 = {std::exp(slope * span - half), std::exp(slope * span + half)},
               .seconds = span,
               .half_width = median(std::move(half_widths))};
}

}  // namespace llmsweep

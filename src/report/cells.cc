#include "report/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep::report {
namespace {

std::optional<double> positive(double value) {
  if (value > 0 && std::isfinite(value)) return value;
  return std::nullopt;
}

std::string absent(bool unicode) {
  return unicode ? "–" : "-";
}

}  // namespace

LevelHeadline headline_of(const LevelStats& level, Source source) {
  const RunStats& run = level.pooled;
  LevelHeadline headline{.point = level.point, .valid = run.valid};
  headline.throughput_tps = run.steady_output_throughput_tps;
  if (!headline.throughput_tps) {
    headline.throughput_tps = positive(run.output_throughput_tps);
    headline.with_drain = headline.throughput_tps && source != Source::kPublished;
  }
  headline.per_gpu_tps = positive(run.throughput_per_gpu_tps);
  headline.e2e_ms = run.e2e.p50;
  if (!run.e2e.p50) headline.e2e_at_most_ms = run.e2e.p50_at_most;
  headline.between_runs = level.e2e_p50_between_runs_ci95.has_value();
  headline.e2e_ci95 = headline.between_runs ? level.e2e_p50_between_runs_ci95 : run.e2e.p50_ci95;
  headline.ttft_ms = run.ttft.p50;
  headline.tpot_ms = run.tpot.p50;
  headline.throughput_per_latency = positive(run.throughput_per_latency);
  headline.output_speed_tps = positive(run.output_speed_tps);
  return headline;
}

std::string interval_note(const SweepResult& result) {
  size_t repeats = 0;
  bool within = false;
  for (const LevelStats& level : result.levels) {
    const LevelHeadline headline = headline_of(level);
    if (!headline.e2e_ci95) continue;
    if (headline.between_runs) repeats = std::max(repeats, level.runs.size());
    within = within || !headline.between_runs;
  }
  const std::string between = fmt::format("between {} repeats", repeats);
  const std::string inside = "within-run (says nothing of run-to-run noise)";
  if (repeats > 0 && within) {
    return "intervals: 95 %, " + between + "; where a level has one repeat, " + inside;
  }
  if (repeats > 0) return "intervals: 95 %, " + between;
  return within ? "intervals: 95 %, " + inside : "";
}

std::string levels_text(const std::vector<LoadPoint>& levels) {
  std::vector<std::string> values;
  for (const LoadPoint point : levels) values.push_back(value_text(point));
  return fmt::format("{} {}", levels.size() == 1 ? "level" : "levels", join(values, ", "));
}

std::string metric_title(Metric metric) {
  std::string title(name_of(metric));
  for (char& c : title) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return title;
}

std::string ms_text(std::optional<double> ms, bool unicode) {
  if (!ms) return absent(unicode);
  return *ms >= 1000 ? format_number(*ms) : format_significant(*ms);
}

std::string e2e_text(const LevelHeadline& headline, bool unicode) {
  if (!headline.e2e_at_most_ms) return ms_text(headline.e2e_ms, unicode);
  return (unicode ? "≤ " : "<= ") + ms_text(headline.e2e_at_most_ms, unicode);
}

std::string rate_text(std::optional<double> tps, bool unicode) {
  return tps ? format_significant(*tps) : absent(unicode);
}

std::string ratio_text(std::optional<double> value, bool unicode) {
  return value ? format_significant(*value, *value < 0.1 ? 2 : 3) : absent(unicode);
}

std::string interval_text(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return "";
  return "[" + ms_text(interval->low) + ", " + ms_text(interval->high) + "]";
}

}  // namespace llmsweep::report

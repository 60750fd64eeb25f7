// What every rendering shows of a level and of a result, chosen once. Private to report/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep::report {

// The level's headline numbers. Absent: not measured, not published, or not enough samples.
struct LevelHeadline {
  LoadPoint point;
  bool valid = true;
  std::optional<double> throughput_tps;  // steady; with_drain: tokens ÷ wall
  bool with_drain = false;
  std::optional<double> per_gpu_tps;
  std::optional<double> e2e_ms;          // median
  std::optional<double> e2e_at_most_ms;  // published: only a bound of the median is known
  std::optional<Interval> e2e_ci95;
  bool between_runs = false;  // else e2e_ci95 is within-run
  std::optional<double> ttft_ms;
  std::optional<double> tpot_ms;
  std::optional<double> throughput_per_latency;
  std::optional<double> output_speed_tps;  // per user
};
// Of published figures nobody knows whether a drain is in them: with_drain stays false.
LevelHeadline headline_of(const LevelStats& level, Source source = Source::kMeasured);

// "95 % interval between 3 repeats", "95 % interval within the run", or empty where none is shown.
std::string interval_note(const SweepResult& result);

// A reason of invalidity or a warning, with its remedy and the levels that it holds for.
struct Finding {
  bool invalid = false;
  std::string text;
  std::string remedy;
  std::vector<LoadPoint> levels;
};
// Invalid ones first, each kind once.
std::vector<Finding> findings_of(const SweepResult& result);
std::string levels_text(const std::vector<LoadPoint>& levels);  // "level 8", "levels 8, 16"

std::string metric_title(Metric metric);  // "E2E", "TTFT", …

// Numbers as the reader sees them; "–" where absent, "-" without Unicode.
std::string ms_text(std::optional<double> ms, bool unicode = true);
// The median E2E; "≤ 15,000" where only a bound is known.
std::string e2e_text(const LevelHeadline& headline, bool unicode = true);
std::string rate_text(std::optional<double> tps, bool unicode = true);
std::string ratio_text(std::optional<double> value, bool unicode = true);
std::string interval_text(const std::optional<Interval>& interval);  // "[5,790, 5,812]"; or empty

}  // namespace llmsweep::report

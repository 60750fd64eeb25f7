// What every rendering shows of a level and of a result, chosen once. Private to report/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep::report {

// A level's figure, with the mark of a drain where one is known to be in it. Of published figures
// nobody knows.
struct Figure : LevelFigure {
  Figure(const LevelStats& level, const Measure& measure, Source source = Source::kMeasured);
  const Quantity& quantity;
};
// The interval has a column of its own, beside that of the median.
bool has_interval_column(const Measure& measure);
// Those of `measures` that at least one level has.
std::vector<Measure> present_measures(const SweepResult& result, std::vector<Measure> measures);
// Of their levels; curves of more than one kind do not share an axis.
LoadKind load_kind(std::span<const SweepResult> results);
// The load of its levels: "concurrency", "request rate".
std::string_view load_heading(const SweepResult& result);
// As the beginning of a heading: "Concurrency".
std::string capitalised(std::string_view text);
bool any_drain(const SweepResult& result);
bool any_unsound(const SweepResult& result);  // a figure of a level is in its validity
// What stands beside a figure that the client may have made.
inline constexpr const char* kUnsoundMark = "!";
inline constexpr const char* kUnsoundNote =
    "! the client may have made it: not for gate, compare or users (validity in result.json)";

// "95 % interval between 3 repeats", "95 % interval within the run", or empty where none is shown.
std::string interval_note(const SweepResult& result);
// What the median E2E did while the sweep ran, a warning where that is more than its repeats differ
// by; empty: cannot be told.
std::string drift_note(const SweepResult& result);

// A reason of invalidity or a warning, with its remedy and the levels that it holds for.
struct Finding {
  bool invalid = false;
  bool failure = false;  // why requests failed, in the server's words
  std::string text;
  std::string remedy;
  std::vector<LoadPoint> levels;
};
std::string failure_text(const ErrorCount& error);  // "12 requests failed: HTTP 400: …"
// "INVALID", "warning", "failed".
std::string_view label_of(const Finding& finding);
// Invalid ones first, each kind once; reasons of failures last.
std::vector<Finding> findings_of(const SweepResult& result);
// Empty where a level's load is of another kind.
std::string csv_concurrency(LoadPoint point);
std::string levels_text(const std::vector<LoadPoint>& levels);  // "level 8", "levels 8, 16"

std::string metric_title(Metric metric);                  // "E2E", "TTFT", …
std::string short_heading(const Measure& measure);        // "median E2E", "E2E p99", "output"
std::string heading_of(const Measure& measure);           // "Median E2E latency, ms"
std::string_view unit_heading(const Quantity& quantity);  // "ms", "tokens/s", "%"

// Numbers as the reader sees them; "–" where absent, "-" without Unicode.
std::string ms_text(std::optional<double> ms, bool unicode = true);
// As its quantity is shown; "≤ 15,000" where only a bound is known.
std::string figure_text(const Figure& figure, bool unicode = true);
std::string rate_text(std::optional<double> tps, bool unicode = true);
std::string ratio_text(std::optional<double> value, bool unicode = true);
std::string interval_text(const std::optional<Interval>& interval);  // "[5,790, 5,812]"; or empty

}  // namespace llmsweep::report

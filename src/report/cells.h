// What every rendering shows of a level and of a result, chosen once. Private to report/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  // Of two runs: `ci95` is from the lower to the higher. Student's interval of two is some thirteen
  // times as wide, and says next to nothing.
  bool is_range = false;
};
// The levels have ranges and no interval.
bool only_ranges(const SweepResult& result);
// The interval has a column of its own, beside that of the median.
bool has_interval_column(const Measure& measure);
// Those of `measures` that at least one level has.
std::vector<Measure> present_measures(const SweepResult& result, std::vector<Measure> measures);
// What a result's throughput is counted in: output tokens, or the input's of an API that generates
// none ("throughput", "input_throughput").
std::string_view throughput_key(const SweepResult& result);
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
  bool server = false;   // what the server's own figures explain; neither warning nor verdict
  std::string text;
  std::string remedy;
  std::vector<LoadPoint> levels;
};
std::string failure_text(const ErrorCount& error);  // "12 requests failed: HTTP 400: …"
// "INVALID", "warning", "failed", "server".
std::string_view label_of(const Finding& finding);
// Invalid ones first, each kind once; then reasons of failures, then what the server explains.
std::vector<Finding> findings_of(const SweepResult& result);
// Empty where a level's load is of another kind.
std::string csv_concurrency(LoadPoint point);

// Three significant digits without zeros at the end: 2, 0.125, 872.
std::string short_number(double value);
std::string target_text(const Target& target);     // "15,000 ms p50 E2E"
std::string condition_text(const Target& target);  // "E2E p50 ≤ 15,000 ms"

// The lines of a table of levels, or of the steps of a profile, in their order.
struct LevelLines {
  std::string heading;  // of the first column
  std::vector<std::pair<std::string, const LevelStats*>> lines;
};
LevelLines lines_of_levels(const SweepResult& result);
// "0–60 s: 2", "60–120 s: 2 → 8"; none where there is no profile.
LevelLines lines_of_steps(const SweepResult& result, bool unicode = true);

// Whether the levels have a state of their load, and a level's: "settled", "overloaded"; empty: of
// a closed loop.
bool have_states(const SweepResult& result);
std::string state_text(const LevelStats& level);
// What an overloaded or unsettled state means, with the levels; empty: all are settled.
std::string state_note(const SweepResult& result);
std::string levels_text(const std::vector<LoadPoint>& levels);  // "level 8", "levels 8, 16"

std::string metric_title(Metric metric);                  // "E2E", "TTFT", …
std::string short_heading(const Measure& measure);        // "median E2E", "E2E p99", "output"
std::string heading_of(const Measure& measure);           // "Median E2E latency, ms"
std::string_view unit_heading(const Quantity& quantity);  // "ms", "tokens/s", "%"
// What its heading stands for: "E2E: from a request's start to its last token", and of a statistic
// "p99: 99 of 100 requests took no longer". Empty: the heading says it itself.
std::vector<std::string> terms_of(const Measure& measure);

// Numbers as the reader sees them; "–" where absent, "-" without Unicode.
std::string ms_text(std::optional<double> ms, bool unicode = true);
// As its quantity is shown; "≤ 15,000" where only a bound is known.
std::string figure_text(const Figure& figure, bool unicode = true);
std::string rate_text(std::optional<double> tps, bool unicode = true);
std::string ratio_text(std::optional<double> value, bool unicode = true);
std::string interval_text(const std::optional<Interval>& interval);  // "[5,790, 5,812]"; or empty
std::string interval_text(const Figure& figure);                     // of a range "5,790 to 5,812"

}  // namespace llmsweep::report

// A result as text for a terminal. Pure: the same result and style give the same bytes.
//
// Everything that came from outside (names, models, notes) passes base's printable(), so no escape
// sequence of a file or a server reaches the terminal. Lines end with '\n' and are at most
// `style.width` columns wide (tables drop columns before they wrap; 60 is the least). Columns that
// were asked for stay, however narrow it is.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "llmsweep/model/describe.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

struct TableStyle {
  bool color = false;   // SGR sequences; NO_COLOR and pipes: false
  bool unicode = true;  // false: ASCII only in what is ours (names keep their characters)
  int width = 100;
  std::vector<Measure> columns;  // empty: those that the table of quantities shows by itself
};

// "GB200, NVFP4, 4 GPUs, TensorRT LLM 1.2.0rc8, TP4, MTP on": what the spec's `system` says.
std::string system_line(const SystemSpec& system);
// "2,400 in / 1,600 out, sharegpt-sample.json, seed 1".
std::string workload_line(const WorkloadSummary& workload);

// "replay of m.jsonl: 400 requests in 10s, 42.0 requests/s, …; levels are by share"; of another
// load empty.
std::string replay_line(const SweepResult& result);

// A heading with name and marks, what was found (a line a target), whether it can be believed,
// system and workload; one row a level; below the table the reasons of
// invalid levels and the warnings, each once with the levels it holds for and its remedy.
std::string level_table(const SweepResult& result, const TableStyle& style);

// Results of a folder, one row each: where it lies, when it was made, of what, its levels, what was
// found. One that cannot be read has `problem` in the place of all that.
struct ListedResult {
  std::string place;
  SweepResult result;
  std::string problem;
};
std::string results_table(std::span<const ListedResult> results, const TableStyle& style);

// One sentence a target: "at 15,000 ms p50 E2E: 8 users on 4 GPUs = 2.00 users per GPU (8 passes,
// 16 fails; about 8.4 interpolated)". Empty without targets. No marks, no newline inside one.
std::vector<std::string> users_sentences(const SweepResult& result);
// The same for a terminal: behind an empty line, each on lines of its own. Empty without targets.
std::string users_text(const SweepResult& result, const TableStyle& style);

// One finished level on one line, as it stays on screen while the sweep goes on.
std::string level_line(const LevelStats& level, const TableStyle& style);

}  // namespace llmsweep

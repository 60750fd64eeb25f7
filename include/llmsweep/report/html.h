// The HTML report: one file that opens from disk and asks nothing of the network (its content
// security policy forbids it to, and runs no script but its own). The charts are the figures' own,
// drawn by a script from what figure_svg() draws. Every number is in tables too, for readers
// without scripts, on paper or with a screen reader.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/analysis/compare.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/telemetry.h"

namespace llmsweep {

// What the report keeps of one request: 56 bytes, so that a million of them fit into memory.
struct RequestSpan {
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  uint32_t slot = 0;
  uint32_t error = 0;  // of a failure: the number, from 1, of its text in RunRequests::errors
  Phase phase = Phase::kMeasured;
  Outcome outcome = Outcome::kOk;
  int64_t start_ns = 0;  // sent, else scheduled
  int64_t first_token_ns = kNever;
  int64_t last_token_ns = kNever;
  int64_t end_ns = 0;  // of a request that never ended: its start
  float tpot_ms = -1;  // negative: it has none
};

struct RunRequests {
  RunId run;
  std::vector<RequestSpan> spans;
  std::vector<std::string> errors;  // of the first few thousand failures
};
void add_request(std::vector<RunRequests>& runs, const RequestRecord& record);

// What the server's gauges said during a run.
struct RunGauges {
  RunId run;
  std::vector<GaugeTrack> tracks;
};

struct HtmlInput {
  std::span<const SweepResult> results;
  // results[i]'s file, offered for download. Shorter than `results`: not offered for the rest.
  std::vector<std::string> result_json;
  // results[i]'s requests, in any order. Empty or missing: no timeline and no distributions.
  // Drawn one by one up to a few thousand, in time bins above that.
  std::vector<std::vector<RunRequests>> requests;
  // results[i]'s gauges, drawn under the timeline of their run; empty or missing: none.
  std::vector<std::vector<RunGauges>> gauges;
  // Shown side by side under the charts; empty: only the charts and tables compare.
  std::span<const Comparison> comparisons;
  std::string not_compared;  // why there are none of several results; said on the page
  std::string title;         // empty: the names of the results
  // Of the tables of levels; empty: those that the table of quantities shows by itself.
  std::vector<Measure> columns;
};

std::string html_report(const HtmlInput& input);

}  // namespace llmsweep

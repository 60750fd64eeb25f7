// The HTML report: one file that opens from disk and asks nothing of the network (its content
// security policy forbids it to, and runs no script but its own). Charts by Chart.js, embedded.
// Every number is in tables too, for readers without scripts, on paper or with a screen reader.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/analysis/compare.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

// What the report keeps of one request, so that a million of them fit into memory.
struct RequestSpan {
  RunId run;
  uint32_t slot = 0;
  Phase phase = Phase::kMeasured;
  Outcome outcome = Outcome::kOk;
  int64_t start_ns = 0;  // sent, else scheduled
  std::optional<int64_t> first_token_ns;
  std::optional<int64_t> last_token_ns;
  int64_t end_ns = 0;  // of a request that never ended: its start
  std::optional<double> tpot_ms;
  std::string error;  // of a failure
};
RequestSpan span_of(const RequestRecord& record);

struct HtmlInput {
  std::span<const SweepResult> results;
  // results[i]'s file, offered for download. Shorter than `results`: not offered for the rest.
  std::vector<std::string> result_json;
  // results[i]'s requests, in any order. Empty or missing: no timeline and no distributions.
  // Drawn one by one up to a few thousand, in time bins above that.
  std::vector<std::vector<RequestSpan>> requests;
  // Shown side by side under the charts; empty: only the charts and tables compare.
  std::span<const Comparison> comparisons;
  std::string not_compared;  // why there are none of several results; said on the page
  std::string title;         // empty: the names of the results
  // Of the tables of levels; empty: those that the table of quantities shows by itself.
  std::vector<Measure> columns;
};

std::string html_report(const HtmlInput& input);

}  // namespace llmsweep

// Requests made small enough to draw: distributions of a level, and its runs over time.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/report/html.h"

namespace llmsweep::report {

// Equal bins from `low` on; what lies beyond the last is in `above`. No values: no bins.
struct Bins {
  double low = 0;
  double step = 0;
  std::vector<int64_t> counts;
  int64_t above = 0;
};
// A tail that is long against the rest (beyond three times its p99) goes to `above`.
Bins bins_of(std::vector<double> values, size_t count = 48);

// Of the completed measured requests of one level; ms.
struct LevelBins {
  Bins e2e, ttft, tpot;
};
std::map<LoadPoint, LevelBins> level_bins(std::span<const RunRequests> runs);

// A run's requests one by one, or counts in equal steps of time where they are too many.
struct TimelineStep {
  int64_t in_flight = 0;  // at the middle of the step
  int64_t ended = 0;      // in the step, completed
  int64_t failed = 0;     // in the step
};
struct Timeline {
  RunId run;
  std::span<const std::string> errors;  // of the run; outlived by what the timeline is made of
  int64_t start_ns = 0;                 // of the first request
  int64_t end_ns = 0;
  int64_t requests = 0;
  std::vector<RequestSpan> spans;     // by slot, then start; empty: too many
  std::vector<TimelineStep> steps;    // empty: `spans` holds them
  std::vector<RequestSpan> failures;  // the first twenty of a run that is summarised
};

struct TimelineLimits {
  size_t spans_per_run = 1500;
  size_t spans_in_all = 6000;  // over all runs; later runs are summarised once it is used up
  uint32_t slots = 256;
  size_t steps = 160;
};
// One for each run, in order. `budget` is what is left of spans_in_all; it is reduced.
std::vector<Timeline> timelines(std::span<const RunRequests> runs, const TimelineLimits& limits,
                                size_t& budget);

}  // namespace llmsweep::report

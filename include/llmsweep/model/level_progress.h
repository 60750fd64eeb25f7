// What is known of the run that is under way, for whoever shows it.
#pragma once

#include <cstdint>
#include <optional>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"

namespace llmsweep {

enum class LevelStage { kWarmup, kMeasuring, kStopping };

// Where a run stands within the sweep.
struct RunPosition {
  RunId run;
  int repeats = 1;
  int nth = 0;     // of `levels`, from 0
  int levels = 1;  // 0: a search, whose run this is the `nth` of
  // What the runs after this one take where each takes as long as the last one of its level did;
  // absent until every level that is left has been run once.
  std::optional<Duration> runs_after;
  bool simulated = false;
  int64_t inputs = 0;  // texts or documents of each request; 0: the API generates tokens
};

// Counts are of the run's measured requests.
struct LevelProgress {
  RunPosition position;
  LevelStage stage = LevelStage::kMeasuring;
  int64_t done = 0;  // ended, failed ones included
  int64_t total = 0;
  int64_t in_flight = 0;
  int64_t errors = 0;
  double output_tps = 0;    // over the last seconds, by the chunks that came
  double inputs_per_s = 0;  // likewise, by the answers that came: where the API generates none
  std::optional<double> ttft_p50_ms;
  std::optional<double> e2e_p50_ms;
  std::optional<Interval> e2e_p50_ci95;
  double client_busy = 0;  // share, 0 to 1
  std::optional<Duration> level_eta;
  std::optional<Duration> sweep_eta;
};

}  // namespace llmsweep

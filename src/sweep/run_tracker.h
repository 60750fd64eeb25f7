// What the display needs to know of the run that is under way: fed by the load loops, read by the
// ticker.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/model/level_progress.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

class RunTracker {
 public:
  // `measure_for`: as Schedule has it; `measured` are then those that are planned.
  RunTracker(RunPosition position, int64_t measured, Instant started,
             std::optional<Duration> measure_for = {})
      : position_(position), measured_(measured), started_(started), measure_for_(measure_for) {}

  void add(const RequestRecord& record);                                          // any thread
  LevelProgress progress(const LoadControl& control, size_t loops, Instant now);  // one thread

 private:
  struct Seen {
    Instant at;
    int64_t chunks;
  };
  double recent_tps(const LoadControl& control, Instant now);

  RunPosition position_;
  int64_t measured_;
  Instant started_;
  std::optional<Duration> measure_for_;
  mutable std::mutex mutex_;
  std::vector<double> e2e_ms_;            // of completed measured requests; guarded by mutex_
  std::vector<double> ttft_ms_;           // likewise
  std::deque<Seen> seen_{{started_, 0}};  // of the last seconds, and one before them
};

}  // namespace llmsweep

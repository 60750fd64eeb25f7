// What a machine's self-test found: how late its client stamps chunks, and up to which load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/model/level.h"

namespace llmsweep {

// So many streams at once, each of which gets so many chunks a second.
struct SelftestLoad {
  int streams = 0;
  double chunks_per_stream_s = 0;

  bool operator==(const SelftestLoad&) const = default;
};

// The load that a run plans, to be held against a self-test. `chunks_per_s` at most; 0: not
// predicted.
struct PlannedLoad {
  int streams = 0;
  double chunks_per_s = 0;
};

// One load, as it went against a simulated endpoint in a process of its own.
struct SelftestStep {
  SelftestLoad load;
  double chunks_per_s = 0;  // received, over the measured part
  int64_t chunks = 0;       // compared with the endpoint's log
  int64_t unaccounted = 0;  // sent and not received, or received and not sent
  // Of every chunk: our stamp − the instant at which the endpoint handed it to its kernel.
  double stamp_error_p50_us = 0;
  double stamp_error_p99_us = 0;
  bool receive_stamps = false;
  double receive_delay_p50_us = 0;  // as a run measures it: kernel arrival → our stamp
  double receive_delay_p99_us = 0;
  double receive_sampling_share = 0;  // of the loops' CPU time that this took
  double slot_gap_p50_us = 0;
  double slot_gap_p99_us = 0;
  double busy_fraction = 0;
  double cpu_us_per_chunk = 0;        // of the event loops
  std::vector<InvalidReason> limits;  // why it is not trusted, as far as a run would say so
  bool trusted = false;

  bool operator==(const SelftestStep&) const = default;
};

struct Selftest {
  std::string tool;  // "llmsweep 0.1.0"
  std::string created_at;
  std::string host;
  int cores = 0;
  std::string kernel;
  bool tls = false;
  bool in_step = false;             // all streams gained their tokens at once
  std::vector<SelftestStep> steps;  // in the order they were run, ascending load

  bool operator==(const Selftest&) const = default;
};

// The last step before the first that is not trusted; null where that is the first of all.
const SelftestStep* highest_trusted(const Selftest& selftest);
// The most chunks that a step received in a second, and whether the client had more to give.
struct SelftestCeiling {
  double chunks_per_s = 0;
  bool at_least = false;
};
SelftestCeiling ceiling_of(const Selftest& selftest);

}  // namespace llmsweep

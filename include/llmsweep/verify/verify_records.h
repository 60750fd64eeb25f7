// Holds a run's records against the truth log of the simulated endpoint that answered it.
//
// Counts, tokens and outcomes must agree exactly; instants may differ by a tolerance, and never so
// that something was seen before it was sent: both sides read CLOCK_MONOTONIC of one machine.
// A request that nobody recorded shows in one of four ways: it arrived while the run lasted, it was
// the first of its level's run (index 0 is always sent), result.json counts it, or the sweep's
// journal does. What a kill leaves without a record: sweep_history.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"
#include "llmsweep/simulator/truth.h"
#include "llmsweep/verify/sweep_history.h"

namespace llmsweep {

struct VerifyOptions {
  Duration tolerance = std::chrono::milliseconds(100);  // of a stamp; the rest is the host's noise
  SweepHistory history;                                 // how often it was killed and resumed
  KillWindow window;
};

// Differences of a record's figures from the truth, ms.
struct TimeErrors {
  std::vector<double> first_token;  // stamp − instant of the send
  std::vector<double> last_token;
  std::vector<double> ttft;  // as measured − as sent, from the arrival at the endpoint
  std::vector<double> e2e;
  Histogram gaps;       // between chunks, as recorded
  Histogram true_gaps;  // as sent
};

struct Verification {
  int64_t records = 0;     // superseded ones too
  int64_t superseded = 0;  // of those
  int64_t truths = 0;      // inside the run: from its first request sent to its last one's end
  int64_t before = 0;      // of the truth log: checks before the run, earlier runs
  int64_t after = 0;       // later runs
  int64_t by_id = 0;       // matched by response id
  int64_t by_time = 0;     // answers that carried no id: by outcome and instant
  int64_t resent = 0;      // attempts that died unanswered on a kept connection and were sent again
  int64_t unseen = 0;  // records of requests that never reached the endpoint (refused, cancelled)
  int64_t tokens = 0;  // of the matched records
  // Where the sweep was killed: requests without a record, and what resumes sent to check.
  int64_t resumes = 0;
  int64_t in_flight = 0;
  int64_t in_flight_at_most = 0;  // slots of the runs that were cut short
  // Of a killed run, each with its name: ended in the window before the kill and was not written
  // down yet; of an embedded endpoint also recorded, but not in its log yet.
  struct AtKill {
    std::string request;
    SweepHistory::Late late;
  };
  std::vector<AtKill> unwritten;
  std::vector<AtKill> unlogged;
  int64_t checks = 0;
  TimeErrors errors;
  std::vector<std::string> problems;  // each names its request; empty: verified
};

std::string text_of(const SweepHistory::Late& late);  // "3.2 ms before the kill"

// `records` with the superseded ones.
Verification verify_records(const std::vector<RequestRecord>& records, const Truth& truth,
                            const VerifyOptions& options = {});

// Whether the records are those that `result` was computed from, which leaves superseded ones out:
// a problem for each run of a level whose measured requests differ in number or outcome.
std::vector<std::string> verify_counts(const std::vector<RequestRecord>& records,
                                       const SweepResult& result);

}  // namespace llmsweep

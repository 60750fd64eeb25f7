// Measures the client against an endpoint whose truth is known: the simulator in a process of its
// own, which logs when it really sent every chunk.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "llmsweep/model/selftest_result.h"
#include "llmsweep/sweep/sweep.h"

namespace llmsweep {

struct SelftestOptions {
  std::vector<SelftestLoad> loads;              // ascending; the test ends at the first that
                                                // cannot be trusted
  Duration per_load = std::chrono::seconds(2);  // the measured part, about
  bool tls = false;
  bool in_step = false;  // all streams gain their tokens at once; else spread over an interval
  std::filesystem::path program;  // llmsweep itself: `program simulate …` is the endpoint
  std::filesystem::path scratch;  // an existing folder for what the steps leave
};

// 64 streams at 6,400 chunks/s up to 2,048 at 200,000.
std::vector<SelftestLoad> selftest_ladder();

// `done` is told each step when it has ended. Where the machine has two cores or more, the endpoint
// has one for itself. An interrupt ends it with the steps that are complete. Throws
// MeasurementError where the endpoint cannot be started.
Selftest run_selftest(const SelftestOptions& options, const Interrupts& interrupts,
                      const std::function<void(const SelftestStep&)>& done);

}  // namespace llmsweep

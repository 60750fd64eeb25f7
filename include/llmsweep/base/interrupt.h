// The user's wish to stop, as a number that a signal raises, and what throws where it cuts short
// what has no result yet.
#pragma once

#include <atomic>
#include <string>

#include "llmsweep/base/error.h"

namespace llmsweep {

// 0: go on; 1: finish what is in flight; 2: stop at once.
using Interrupts = std::atomic<int>;

// Something that has to be whole to be of use (a check, a set of prompts) was given up. run_cli
// exits with 130.
class InterruptedError : public MeasurementError {
 public:
  using MeasurementError::MeasurementError;
};

// Throws InterruptedError where `interrupts` is above 0; null: nobody can interrupt. `doing` ends
// the sentence "interrupted during …".
inline void stop_if_interrupted(const Interrupts* interrupts, const char* doing) {
  if (interrupts == nullptr || interrupts->load(std::memory_order_relaxed) == 0) return;
  throw InterruptedError({.what = std::string("interrupted during ") + doing,
                          .where = {},
                          .next = "what was measured before is on disk"});
}

}  // namespace llmsweep

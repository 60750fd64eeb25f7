// Ctrl-C, SIGTERM and SIGHUP as a number: how often the user asked to stop.
#pragma once

#include <memory>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/interrupt.h"

namespace llmsweep {

// While it lives, SIGINT, SIGTERM and SIGHUP raise `count` instead of ending the process; the third
// one ends it as if nobody listened. SIGHUP that was ignored (nohup) stays so. Who sends SIGTERM or
// SIGHUP means to send SIGKILL soon (Slurm and Kubernetes after 30 s): kTermPatience after one of
// them `count` is 2, whatever the load's grace. Construct it before any other thread is started:
// those inherit the blocked signals. Throws MeasurementError.
inline constexpr Duration kTermPatience = std::chrono::seconds(8);

class InterruptListener {
 public:
  InterruptListener();
  ~InterruptListener();
  InterruptListener(const InterruptListener&) = delete;
  InterruptListener& operator=(const InterruptListener&) = delete;

  const Interrupts& count() const;
  void wait() const;  // until the first

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep

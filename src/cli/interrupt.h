// Ctrl-C and SIGTERM as a number: how often the user asked to stop.
#pragma once

#include <memory>

#include "llmsweep/sweep/sweep.h"

namespace llmsweep {

// While it lives, SIGINT and SIGTERM raise `count` instead of ending the process; the third one
// ends it as if nobody listened. Construct it before any other thread is started: those inherit
// the blocked signals.
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

// A child that says on its first line of output where it listens.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// Ends with its parent. One thread an object.
class ChildProcess {
 public:
  // words[0] is the program. `cpu` ≥ 0: it may only run there. Its standard error goes nowhere.
  // Throws MeasurementError.
  ChildProcess(const std::vector<std::string>& words, int cpu);
  ~ChildProcess();  // stop()
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Throws MeasurementError where none comes in time.
  std::string first_line(Duration timeout);
  // Asks it to end, waits for that, at most ten seconds before it is killed. Idempotent.
  void stop();

 private:
  int pid_ = -1;
  int out_ = -1;
};

}  // namespace llmsweep

// Finds out when the host did not let the client run: a thread that ticks every 3 ms and remembers
// when over 5 ms passed between two ticks. A stall of 5 ms is always seen, one of 2 ms may be.
#pragma once

#include <memory>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

constexpr Duration kStallLimit = std::chrono::milliseconds(5);

struct Stall {
  Instant begin{};  // when the tick was due
  Instant end{};    // when it came: the stall lasted at least so long
};

// Ticks from construction to stop(), on a thread named `watchdog`.
class Watchdog {
 public:
  explicit Watchdog(const Clock& clock);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  std::vector<Stall> stop();  // ascending; joins the thread, which may take a tick

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep

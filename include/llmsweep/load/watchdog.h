// Finds out when the host did not let the client run: a thread that ticks every 3 ms and remembers
// when over 5 ms passed between two ticks. A stall of 5 ms is always seen, one of 2 ms may be.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

constexpr Duration kStallLimit = std::chrono::milliseconds(5);

struct Stall {
  Instant begin{};  // when the tick was due
  Instant end{};    // when it came: the stall lasted at least so long
};

// So long after a stall a loop is done with what had waited meanwhile.
constexpr Duration kCatchUp = std::chrono::milliseconds(2);

// What the watchdog says while it runs, for a loop that has to know at once; any thread. Both
// members stand alone.
struct Pulse {
  std::atomic<int64_t> last_tick_ns{0};  // CLOCK_MONOTONIC; 0: none yet
  std::atomic<int64_t> stall_end_ns{0};  // of the last stall; 0: none yet

  // Whether what a loop that was awake at `awake` reads at `now` may have waited for the end of a
  // stall: of one that the watchdog has just seen, or of one that it will see as soon as it runs.
  bool stalled(Instant awake, Instant now) const {
    const int64_t tick = last_tick_ns.load(std::memory_order_relaxed);
    const int64_t end = stall_end_ns.load(std::memory_order_relaxed);
    return (tick > 0 && to_ns(now) - tick > kStallLimit.count()) ||
           (end > to_ns(awake) && std::abs(to_ns(now) - end) < kCatchUp.count());
  }
};

// Ticks from construction to stop(), on a thread named `watchdog`.
class Watchdog {
 public:
  explicit Watchdog(const Clock& clock);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  const Pulse& pulse() const;  // as long as this lives

  std::vector<Stall> stop();  // ascending; joins the thread, which may take a tick

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep

#include "llmsweep/load/watchdog.h"

#include <thread>
#include <utility>

#include "llmsweep/base/thread.h"

namespace llmsweep {
namespace {

// A wake from idle costs a virtual machine 20 to 30 us: every millisecond that was 2 to 3 % of a
// core (docs/decisions/0005).
constexpr Duration kTick = std::chrono::milliseconds(3);

}  // namespace

struct Watchdog::State {
  const Clock& clock;
  std::atomic<bool> stop = false;
  Pulse pulse;
  std::vector<Stall> stalls;  // the thread's until it is joined
  std::jthread thread;

  explicit State(const Clock& the_clock) : clock(the_clock) {}

  // A plain sleep: a condition variable that stop() could signal takes two calls of the kernel a
  // tick instead of one.
  void tick_until_stopped() {
    Instant due = clock.now() + kTick;
    while (!stop) {
      std::this_thread::sleep_for(kTick);
      const Instant now = clock.now();
      if (now - due > kStallLimit - kTick) {
        stalls.push_back({.begin = due, .end = now});
        pulse.stall_end_ns.store(to_ns(now), std::memory_order_relaxed);
      }
      pulse.last_tick_ns.store(to_ns(now), std::memory_order_relaxed);
      due = now + kTick;
    }
  }
};

Watchdog::Watchdog(const Clock& clock) : state_(std::make_unique<State>(clock)) {
  state_->thread = start_thread("watchdog", [this] { state_->tick_until_stopped(); });
}

Watchdog::~Watchdog() {
  stop();
}

const Pulse& Watchdog::pulse() const {
  return state_->pulse;
}

std::vector<Stall> Watchdog::stop() {
  state_->stop = true;
  if (state_->thread.joinable()) state_->thread.join();
  return std::exchange(state_->stalls, {});
}

}  // namespace llmsweep

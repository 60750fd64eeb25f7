#include "llmsweep/load/watchdog.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace llmsweep {
namespace {

// A wake from idle costs a virtual machine 20 to 30 us: every millisecond that was 2 to 3 % of a
// core (docs/decisions/0005).
constexpr Duration kTick = std::chrono::milliseconds(3);

}  // namespace

struct Watchdog::State {
  const Clock& clock;
  std::mutex mutex;
  std::condition_variable stopped;
  bool stop = false;          // guarded by mutex
  std::vector<Stall> stalls;  // the thread's until it is joined
  std::thread thread;

  explicit State(const Clock& the_clock) : clock(the_clock) {}

  void tick_until_stopped() {
    std::unique_lock lock(mutex);
    Instant due = clock.now() + kTick;
    while (!stopped.wait_until(lock, due, [this] { return stop; })) {
      const Instant now = clock.now();
      if (now - due > kStallLimit - kTick) stalls.push_back({.begin = due, .end = now});
      due = now + kTick;
    }
  }
};

Watchdog::Watchdog(const Clock& clock) : state_(std::make_unique<State>(clock)) {
  state_->thread = std::thread([this] { state_->tick_until_stopped(); });
  pthread_setname_np(state_->thread.native_handle(), "watchdog");
}

Watchdog::~Watchdog() {
  stop();
}

std::vector<Stall> Watchdog::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->stopped.notify_one();
  if (state_->thread.joinable()) state_->thread.join();
  return std::exchange(state_->stalls, {});
}

}  // namespace llmsweep

#include "cli/interrupt_listener.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include "llmsweep/base/descriptor.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/thread.h"

namespace llmsweep {
namespace {

bool is_ignored(int signal_number) {
  struct sigaction action {};
  return sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (!is_ignored(SIGHUP)) sigaddset(&signals, SIGHUP);
  return signals;
}

int opened(int fd) {
  if (fd >= 0) return fd;
  throw MeasurementError({.what = std::string("cannot listen for signals: ") + strerror(errno),
                          .where = {},
                          .next = "raise the limit on open files (ulimit -n)"});
}

}  // namespace

struct InterruptListener::State {
  Interrupts count{0};
  const sigset_t listened = stop_signals();
  sigset_t before{};
  Descriptor signals{opened(::signalfd(-1, &listened, SFD_CLOEXEC))};
  Descriptor quit{opened(::eventfd(0, EFD_CLOEXEC))};
  SteadyClock clock;
  std::optional<Instant> patience_ends;  // the thread's: of a SIGTERM that has come
  std::jthread thread;

  void listen() {
    while (true) {
      pollfd ready[] = {{.fd = signals.get(), .events = POLLIN, .revents = 0},
                        {.fd = quit.get(), .events = POLLIN, .revents = 0}};
      const int found = ::poll(ready, 2, patience_ms());
      if (found == 0) lose_patience();
      if (found <= 0) continue;
      if (ready[1].revents != 0) return;
      signalfd_siginfo received{};
      if (::read(signals.get(), &received, sizeof received) != sizeof received) continue;
      take(static_cast<int>(received.ssi_signo));
    }
  }

  void take(int signal_number) {
    if (count.fetch_add(1) + 1 >= 3) {
      ::signal(signal_number, SIG_DFL);
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      ::raise(signal_number);
    }
    if (signal_number != SIGINT && !patience_ends) patience_ends = clock.now() + kTermPatience;
    count.notify_all();
  }

  int patience_ms() const {
    if (!patience_ends || count > 1) return -1;
    const Duration left = std::max(*patience_ends - clock.now(), Duration(0));
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }

  void lose_patience() {
    int one = 1;
    count.compare_exchange_strong(one, 2);
  }
};

InterruptListener::InterruptListener() : state_(std::make_unique<State>()) {
  pthread_sigmask(SIG_BLOCK, &state_->listened, &state_->before);
  try {
    state_->thread = start_thread("signals", [this] { state_->listen(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
    throw;
  }
}

InterruptListener::~InterruptListener() {
  const uint64_t one = 1;
  while (::write(state_->quit.get(), &one, sizeof one) != sizeof one) {
  }
  state_->thread.join();
  pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

const Interrupts& InterruptListener::count() const {
  return state_->count;
}

void InterruptListener::wait() const {
  state_->count.wait(0);
}

}  // namespace llmsweep

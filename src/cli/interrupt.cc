#include "cli/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <thread>

namespace llmsweep {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

struct InterruptListener::State {
  Interrupts count{0};
  sigset_t before{};
  int signals = -1;
  int quit = -1;
  std::thread thread;

  void listen() {
    while (true) {
      pollfd ready[] = {{.fd = signals, .events = POLLIN, .revents = 0},
                        {.fd = quit, .events = POLLIN, .revents = 0}};
      if (::poll(ready, 2, -1) < 0) continue;
      if (ready[1].revents != 0) return;
      signalfd_siginfo received{};
      if (::read(signals, &received, sizeof received) != sizeof received) continue;
      if (count.fetch_add(1) + 1 >= 3) {
        ::signal(static_cast<int>(received.ssi_signo), SIG_DFL);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        ::raise(static_cast<int>(received.ssi_signo));
      }
      count.notify_all();
    }
  }
};

InterruptListener::InterruptListener() : state_(std::make_unique<State>()) {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, &state_->before);
  state_->signals = ::signalfd(-1, &signals, SFD_CLOEXEC);
  state_->quit = ::eventfd(0, EFD_CLOEXEC);
  state_->thread = std::thread([this] { state_->listen(); });
  pthread_setname_np(state_->thread.native_handle(), "signals");
}

InterruptListener::~InterruptListener() {
  const uint64_t one = 1;
  if (::write(state_->quit, &one, sizeof one) == sizeof one) state_->thread.join();
  ::close(state_->quit);
  ::close(state_->signals);
  pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

const Interrupts& InterruptListener::count() const {
  return state_->count;
}

void InterruptListener::wait() const {
  state_->count.wait(0);
}

}  // namespace llmsweep

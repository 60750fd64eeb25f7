// An epoll set with a deadline in nanoseconds (a timerfd in the set).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "llmsweep/base/clock.h"

namespace llmsweep::http {

class Poller {
 public:
  Poller();  // throws MeasurementError
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  struct Ready {
    uint32_t tag;
    int fd;
    uint32_t events;  // EPOLLIN, …
  };

  // Watches `fd` for `events` (EPOLLIN | EPOLLOUT), new or known.
  void watch(int fd, uint32_t events, uint32_t tag);
  void forget(int fd);

  // Sleeps until something is ready or `deadline` has passed (Instant::max(): for ever), at most
  // until an interruption by a signal. A deadline not after `now` looks without sleeping. Valid
  // until the next wait.
  std::span<const Ready> wait(Instant now, Instant deadline);

 private:
  // A wake handles at most so many descriptors, so that a send that falls due meanwhile is late by
  // well under a millisecond.
  static constexpr int kMaxReady = 256;

  void arm(Instant deadline);

  int epoll_fd_ = -1;
  int timer_fd_ = -1;
  Instant armed_ = Instant::max();  // when the timer fires next
  std::array<epoll_event, kMaxReady> raw_{};
  std::array<Ready, kMaxReady> ready_{};
};

}  // namespace llmsweep::http

#include "http/poller.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <string>

#include "llmsweep/base/error.h"
#include "llmsweep/base/open_files.h"

namespace llmsweep::http {
namespace {

constexpr uint32_t kTimerTag = UINT32_MAX;

uint64_t pack(uint32_t tag, int fd) {
  return (static_cast<uint64_t>(tag) << 32) | static_cast<uint32_t>(fd);
}

}  // namespace

Poller::Poller() {
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (epoll_fd_ < 0 || timer_fd_ < 0) {
    const std::string reason = std::strerror(errno);
    if (epoll_fd_ >= 0) close(epoll_fd_);
    throw MeasurementError(
        {.what = "cannot open an event loop: " + reason, .where = "", .next = kRaiseOpenFiles});
  }
  watch(timer_fd_, EPOLLIN, kTimerTag);
}

Poller::~Poller() {
  close(timer_fd_);
  close(epoll_fd_);
}

void Poller::watch(int fd, uint32_t events, uint32_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = pack(tag, fd);
  // libcurl tells changes apart from additions, but a descriptor that was closed and opened again
  // under the same number is new to epoll.
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0) return;
  const bool changed = errno == EEXIST && epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0;
  assert(changed);
  (void)changed;
}

void Poller::forget(int fd) {
  epoll_event unused{};
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &unused);  // closed already: not in the set any more
}

void Poller::arm(Instant deadline) {
  const int64_t ns = std::max<int64_t>(1, to_ns(deadline));
  itimerspec at{};
  at.it_value.tv_sec = ns / 1'000'000'000;
  at.it_value.tv_nsec = ns % 1'000'000'000;
  timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  armed_ = deadline;
}

std::span<const Poller::Ready> Poller::wait(Instant now, Instant deadline) {
  const bool sleep = deadline > now;
  // Firing too early costs one empty wake and then a new setting; a later deadline is the usual
  // case, so the timer is left alone for it.
  if (sleep && deadline < armed_) arm(deadline);
  const int count = epoll_wait(epoll_fd_, raw_.data(), kMaxReady, sleep ? -1 : 0);
  size_t used = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = raw_[static_cast<size_t>(i)];
    const uint32_t tag = static_cast<uint32_t>(event.data.u64 >> 32);
    if (tag == kTimerTag) {
      uint64_t expirations = 0;
      (void)!read(timer_fd_, &expirations, sizeof(expirations));
      armed_ = Instant::max();
      continue;
    }
    const uint32_t fd = static_cast<uint32_t>(event.data.u64);
    ready_[used++] = {.tag = tag, .fd = static_cast<int>(fd), .events = event.events};
  }
  return {ready_.data(), used};
}

}  // namespace llmsweep::http

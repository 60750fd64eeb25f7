#include "http/receive_stamps.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace llmsweep::http {

bool enable_receive_stamps(int fd) {
  const int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) == 0;
}

StampingKeeper::StampingKeeper(bool wanted) {
  if (!wanted) return;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || enable_receive_stamps(fd_)) return;
  close(fd_);
  fd_ = -1;
}

StampingKeeper::~StampingKeeper() {
  if (fd_ >= 0) close(fd_);
}

std::optional<Instant> peek_arrival(int fd) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT) <= 0) return std::nullopt;
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
       item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPING) continue;
    scm_timestamping stamps{};
    std::memcpy(&stamps, CMSG_DATA(item), sizeof(stamps));
    const int64_t ns = stamps.ts[0].tv_sec * 1'000'000'000 + stamps.ts[0].tv_nsec;
    if (ns != 0) return from_ns(ns) - realtime_minus_monotonic();
  }
  return std::nullopt;
}

ReceiveSampler::ReceiveSampler(bool enabled) : enabled_(enabled) {
  plan_next();
}

void ReceiveSampler::plan_next() {
  countdown_ = enabled_
                   ? 1 + static_cast<int64_t>(random_.below(static_cast<uint64_t>(2 * period_ - 1)))
                   : std::numeric_limits<int64_t>::max();
}

void ReceiveSampler::look(int fd) {
  plan_next();
  const Instant before = clock_.now();
  arrival_ = peek_arrival(fd);
  spent_ += clock_.now() - before;
  if (arrival_) {
    seen_ = true;
  } else if (!seen_ && ++misses_ >= kMissesToGiveUp) {
    enabled_ = false;
    plan_next();
  }
}

bool ReceiveSampler::too_many(size_t count, Instant now) const {
  if (count >= kMaxSamples) return true;
  return count >= kEnough && static_cast<double>(count) > kMaxPerSecond * to_seconds(now - begun_);
}

void ReceiveSampler::record(Instant at, TransportHealth& health) {
  // A clock step between the two clock readings must not give a negative delay.
  const Duration delay = std::max(Duration(0), at - *arrival_);
  arrival_.reset();
  health.receive_sampling = spent_;
  health.receive_delay_max = std::max(health.receive_delay_max, delay);
  auto& delays = health.receive_delays;
  if (too_many(delays.size(), at)) {
    for (size_t i = 0; 2 * i < delays.size(); ++i) delays[i] = delays[2 * i];
    delays.resize((delays.size() + 1) / 2);
    period_ *= 2;
  }
  delays.push_back(delay);
}

void ReceiveSampler::reset(TransportHealth& health) {
  health.receive_delays.clear();
  health.receive_delays.reserve(enabled_ ? kMaxSamples : 0);
  period_ = kPeriod;
  begun_ = clock_.now();
  spent_ = {};
  plan_next();
}

}  // namespace llmsweep::http

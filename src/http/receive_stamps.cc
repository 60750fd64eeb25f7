#include "http/receive_stamps.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace llmsweep::http {

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

std::optional<Instant> peek_arrival(int fd, Duration realtime_offset) {
  char byte = 0;
  return receive_stamped(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT, realtime_offset).arrived;
}

ReceiveSampler::ReceiveSampler(bool enabled) : enabled_(enabled) {
  plan_next();
}

void ReceiveSampler::plan_next() {
  countdown_ = enabled_
                   ? 1 + static_cast<int64_t>(random_.below(static_cast<uint64_t>(2 * period_ - 1)))
                   : std::numeric_limits<int64_t>::max();
}

void ReceiveSampler::renew_offset() {
  offset_ = realtime_minus_monotonic();
  offset_from_ = woken_;
}

void ReceiveSampler::peek(int fd) {
  const Instant before = clock_.now();
  const std::optional<Instant> arrival = peek_arrival(fd, realtime_offset());
  spent_ += clock_.now() - before;
  arrived(arrival);
}

void ReceiveSampler::arrived(std::optional<Instant> arrival) {
  arrival_ = arrival;
  if (after_pause_ > 0) {
    const bool waited = arrival && woken_ - *arrival > kLateWake;
    after_pause_ = waited ? kLooksAfterPause : after_pause_ - 1;
  }
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

std::optional<Instant> ReceiveSampler::record(Instant at, TransportHealth& health) {
  // A clock step between the two clock readings must not give a negative delay.
  const Instant arrival = std::min(at, *arrival_);
  const Duration delay = at - arrival;
  arrival_.reset();
  health.receive_sampling = spent_;
  if (!sampled_) return arrival;
  health.receive_delay_max = std::max(health.receive_delay_max, delay);
  auto& delays = health.receive_delays;
  if (too_many(delays.size(), at)) {
    for (size_t i = 0; 2 * i < delays.size(); ++i) delays[i] = delays[2 * i];
    delays.resize((delays.size() + 1) / 2);
    period_ *= 2;
  }
  delays.push_back(delay);
  return arrival;
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

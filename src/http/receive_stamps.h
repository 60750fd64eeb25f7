// The kernel's own receive time stamps: how late our stamp is. Our own sockets get them
// with the bytes, under TLS with the ciphertext; libcurl reads by itself, so that a look at what it
// will read comes before.
//
// Of bytes that the kernel has merged while they waited it keeps the newest arrival, so a delay
// that is longer than the gap between two chunks is understated by at most that gap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/receive_stamp.h"
#include "llmsweep/http/http_client.h"

namespace llmsweep::http {

// Asks for stamps on a socket of its own for as long as it lives: the kernel switches stamping on
// with the first socket that asks, a moment later, and off with the last.
class StampingKeeper {
 public:
  explicit StampingKeeper(bool wanted);
  StampingKeeper(const StampingKeeper&) = delete;
  StampingKeeper& operator=(const StampingKeeper&) = delete;
  ~StampingKeeper();
  bool supported() const { return fd_ >= 0; }  // and wanted

 private:
  int fd_ = -1;
};

// When the oldest unread byte of `fd` arrived. Nothing: nothing to read, or no stamp on it.
std::optional<Instant> peek_arrival(int fd, Duration realtime_offset);

// Decides which reads to look at and keeps their delays in a TransportHealth: wants(), then peek()
// or arrived(), stamped() where body bytes came, after_read().
class ReceiveSampler {
 public:
  explicit ReceiveSampler(bool enabled);

  bool enabled() const { return enabled_; }
  // Whether to look at the next read: at each that is watched; after a pause, at each until some in
  // a row had not waited for a client that was not allowed to run; and at one of the others in
  // period_, at random, since a fixed stride would fall on the same streams of every decode step.
  // Only the sample is kept.
  bool wants(bool watched) {
    sampled_ = --countdown_ <= 0;
    if (sampled_) plan_next();
    return sampled_ || ((watched || after_pause_ > 0) && enabled_);
  }
  // Looks before the read. Not for a connection that may have failed: the kernel tells an error
  // once, and the look would take it.
  void peek(int fd);
  // What the read itself brought.
  void arrived(std::optional<Instant> arrival);
  // The first body bytes of that read were stamped `at`: when they arrived, where that is known,
  // and at most `at`.
  std::optional<Instant> stamped(Instant at, TransportHealth& health) {
    return arrival_ ? record(at, health) : std::nullopt;
  }
  void after_read() { arrival_.reset(); }
  void reset(TransportHealth& health);

  // The thread woke at `now`; realtime_minus_monotonic() as of then, within a millisecond.
  void woke(Instant now) {
    // A stop ends the wait by itself (EINTR), so that the next wake is the one with the bytes.
    if (now - woken_ > kPause) after_pause_ = kLooksAfterPause;
    woken_ = now;
  }
  Duration realtime_offset() {
    if (woken_ - offset_from_ > kOffsetAge) renew_offset();
    return offset_;
  }

 private:
  std::optional<Instant> record(Instant at, TransportHealth& health);
  void renew_offset();
  void plan_next();
  bool too_many(size_t count, Instant now) const;

  static constexpr int64_t kPeriod = 16;
  static constexpr size_t kMaxSamples = 65'536;
  // A look costs as much as a read. So many a second are enough, once there are some at all.
  static constexpr double kMaxPerSecond = 250;
  static constexpr size_t kEnough = 1024;
  static constexpr int kMissesToGiveUp = 4096;
  static constexpr Duration kPause = std::chrono::milliseconds(2);
  static constexpr Duration kLateWake = std::chrono::microseconds(500);
  static constexpr int kLooksAfterPause = 4;
  static constexpr Duration kOffsetAge = std::chrono::milliseconds(1);

  SteadyClock clock_;
  bool enabled_;
  int64_t period_ = kPeriod;
  int64_t countdown_ = 0;
  Instant begun_{};   // reset()
  Duration spent_{};  // peeking, since then
  int misses_ = 0;    // reads without a stamp before the first one with
  bool seen_ = false;
  bool sampled_ = false;  // what arrival_ is of
  int after_pause_ = 0;   // looks left, unless one finds bytes that had waited
  Instant woken_{};
  Instant offset_from_{};
  Duration offset_ = realtime_minus_monotonic();
  std::optional<Instant> arrival_;
  Random random_{0};
};

}  // namespace llmsweep::http

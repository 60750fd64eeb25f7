// The kernel's own receive time stamps, looked at before libcurl reads: how late our stamp is.
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
std::optional<Instant> peek_arrival(int fd);

// Decides which reads to look at and keeps their delays in a TransportHealth.
class ReceiveSampler {
 public:
  explicit ReceiveSampler(bool enabled);

  bool enabled() const { return enabled_; }
  // Before a read of `fd`: looks at one read in period_, at random, since a fixed stride would
  // fall on the same streams of every decode step. Not for a connection that may have failed: the
  // kernel tells an error once, and the look would take it.
  void before_read(int fd) {
    if (--countdown_ <= 0) look(fd);
  }
  // The first body bytes of that read were stamped `at`.
  void stamped(Instant at, TransportHealth& health) {
    if (arrival_) record(at, health);
  }
  void after_read() { arrival_.reset(); }
  void reset(TransportHealth& health);

 private:
  void look(int fd);
  void record(Instant at, TransportHealth& health);
  void plan_next();
  bool too_many(size_t count, Instant now) const;

  static constexpr int64_t kPeriod = 16;
  static constexpr size_t kMaxSamples = 65'536;
  // A look costs as much as a read. So many a second are enough, once there are some at all.
  static constexpr double kMaxPerSecond = 250;
  static constexpr size_t kEnough = 1024;
  static constexpr int kMissesToGiveUp = 4096;

  SteadyClock clock_;
  bool enabled_;
  int64_t period_ = kPeriod;
  int64_t countdown_ = 0;
  Instant begun_{};   // reset()
  Duration spent_{};  // looking, since then
  int misses_ = 0;    // reads without a stamp before the first one with
  bool seen_ = false;
  std::optional<Instant> arrival_;
  Random random_{0};
};

}  // namespace llmsweep::http

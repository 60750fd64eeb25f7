// The gaps between chunks in which the server's page of metrics was being read.
//
// Whoever reads pages sets the instants of the last one, the loops count the gaps of their streams
// that overlap it. Any thread; every member is an atomic that stands alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "llmsweep/base/clock.h"

namespace llmsweep {

class PageGaps {
 public:
  void begin(Instant at);  // a page; no other is under way
  void end(Instant at);    // that page

  // Counts it where it overlaps the last page that has begun. Two loads for one that does not.
  void add_gap(Instant from, Instant to) {
    if (to_ns(to) < begun_ns_.load(std::memory_order_relaxed)) return;
    if (to_ns(from) > ended_ns_.load(std::memory_order_relaxed) || from == to) return;
    gaps_.fetch_add(1, std::memory_order_relaxed);
    gap_ns_.fetch_add((to - from).count(), std::memory_order_relaxed);
  }

  int64_t gaps() const { return gaps_.load(std::memory_order_relaxed); }
  int64_t gap_ns() const { return gap_ns_.load(std::memory_order_relaxed); }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> begun_ns_{kNever};
  std::atomic<int64_t> ended_ns_{kNever};  // kNever: it is under way
  std::atomic<int64_t> gaps_{0};
  std::atomic<int64_t> gap_ns_{0};
};

}  // namespace llmsweep

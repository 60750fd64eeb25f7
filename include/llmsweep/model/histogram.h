// A log-linear histogram of durations: error of a bucket's middle ≤ 1/2048 (0.049 %) of the value,
// or 62.5 ns where that is more (below 128 µs).
//
// Buckets below 2048 are 125 ns wide; above, each octave is cut into 1024 equal buckets. Values are
// clamped to [0, 2^15 s). Merging is exact, so a level's histogram is the sum of its requests'.
// Memory follows the distinct buckets, about two bytes each, and not the count: every request
// carries two of these. One thread an object.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

class Histogram {
 public:
  static constexpr uint32_t kBuckets = 29'602;  // bucket_of() stays below

  using Bucket = std::pair<uint32_t, uint64_t>;  // bucket, weight

  static uint32_t bucket_of(Duration value);
  static Duration middle_of(uint32_t bucket);  // rounded to the ns

  void add(Duration value, uint64_t weight = 1);      // weight 0 adds nothing
  void add_bucket(uint32_t bucket, uint64_t weight);  // bucket < kBuckets
  void merge(const Histogram& other);
  // Gives spare memory back. For a histogram that will not be added to for long.
  void compact();

  uint64_t count() const { return count_; }  // sum of weights
  bool empty() const { return count_ == 0; }
  // Sorted by bucket, each once, weights > 0.
  std::vector<Bucket> buckets() const;

  bool operator==(const Histogram& other) const;  // the same buckets and weights

 private:
  void flush();

  std::string packed_;             // per bucket: distance to the one before, weight; LEB128 each
  std::vector<uint64_t> pending_;  // unsorted: bucket in the top 16 bits, weight below
  uint32_t packed_buckets_ = 0;
  uint64_t count_ = 0;
};

}  // namespace llmsweep

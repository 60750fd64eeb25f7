// A log-linear histogram of durations: relative error of a bucket's middle ≤ 1/2048 (0.049 %).
//
// Bucket b < 2048 holds exactly b µs·2⁻³ (125 ns units); above, each octave is cut into 1024 equal
// buckets. Values are clamped to [0, 2^15 s]. Merging is exact, so a level's histogram is the sum of
// its requests'. Sparse: memory follows the distinct buckets, not the count.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

class Histogram {
 public:
  static uint32_t bucket_of(Duration value);
  static Duration middle_of(uint32_t bucket);

  void add(Duration value, uint64_t weight = 1);
  void add_bucket(uint32_t bucket, uint64_t weight);
  void merge(const Histogram& other);

  uint64_t count() const;  // sum of weights
  bool empty() const { return buckets_.empty() && pending_.empty(); }
  // Sorted by bucket, weights > 0.
  const std::vector<std::pair<uint32_t, uint64_t>>& buckets() const;

 private:
  void compact() const;
  mutable std::vector<std::pair<uint32_t, uint64_t>> buckets_;
  mutable std::vector<std::pair<uint32_t, uint64_t>> pending_;  // unsorted, at most 512
};

}  // namespace llmsweep

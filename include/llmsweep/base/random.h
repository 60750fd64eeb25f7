// A seeded random source whose stream never changes between machines or standard libraries.
//
// xoshiro256** (Blackman & Vigna, 2018), seeded through splitmix64. One thread an object. Streams
// for different purposes come from different (seed, stream) pairs, so that adding a draw in one
// place does not shift another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace llmsweep {

class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0);

  uint64_t next();                 // 64 uniform bits
  uint64_t below(uint64_t bound);  // uniform in [0, bound), unbiased; bound > 0
  double uniform();                // [0, 1), 53 bits
  double normal();                 // mean 0, deviation 1 (Box-Muller)
  double exponential();            // mean 1
  bool chance(double probability) { return uniform() < probability; }

  template <class T>
  void shuffle(std::vector<T>& values) {  // Fisher-Yates
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::array<uint64_t, 4> state_;
};

// 16 hexadecimal digits that nobody has drawn before. Throws MeasurementError where the system has
// none.
std::string draw_id();

}  // namespace llmsweep

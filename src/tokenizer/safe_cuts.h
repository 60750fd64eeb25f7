// Where a text may be cut without changing what byte-pair encoding makes of it.
//
// A merge that joins two neighbours joins the last character of the one and the first of the other.
// Between two characters that no merge of the vocabulary joins, nothing is ever merged: what stands
// left and right of them can be encoded apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace llmsweep {

class SafeCuts {
 public:
  // A merge joins these, in this order.
  void join(int32_t left, int32_t right);
  // May say yes for characters that no merge joins: it only costs a cut.
  bool joined(int32_t left, int32_t right) const {
    const int32_t a = near(left);
    const int32_t b = near(right);
    if (a < kNear && b < kNear) return near_[static_cast<size_t>(a)][static_cast<size_t>(b)];
    return !far_.empty() && far_[far(left, right)];
  }

 private:
  static constexpr int kHashedBits = 22;
  static constexpr int32_t kNear = 129;          // ASCII and the mark of a space
  static constexpr int32_t kSpaceMark = 0x2581;  // ▁
  static int32_t near(int32_t code) {            // its number, kNear for all others
    if (code < kNear - 1) return code;
    return code == kSpaceMark ? kNear - 1 : kNear;
  }
  static size_t far(int32_t left, int32_t right) {
    const uint64_t pair =
        uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
    return static_cast<size_t>(pair * 0x9E3779B97F4A7C15 >> (64 - kHashedBits));
  }

  std::array<std::array<bool, kNear>, kNear> near_{};
  std::vector<bool> far_;  // by hash
};

}  // namespace llmsweep

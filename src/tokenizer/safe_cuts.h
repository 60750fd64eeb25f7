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
  bool joined(int32_t left, int32_t right) const;

 private:
  static constexpr int kHashedBits = 22;
  static constexpr int32_t kNear = 129;  // ASCII and the mark of a space
  static int32_t near(int32_t code);     // its number, kNear for all others
  static size_t far(int32_t left, int32_t right);

  std::array<std::array<bool, kNear>, kNear> near_{};
  std::vector<bool> far_;  // by hash
};

}  // namespace llmsweep

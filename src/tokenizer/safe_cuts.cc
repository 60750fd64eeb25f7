#include "tokenizer/safe_cuts.h"

namespace llmsweep {

void SafeCuts::join(int32_t left, int32_t right) {
  const int32_t a = near(left);
  const int32_t b = near(right);
  if (a < kNear && b < kNear) {
    near_[static_cast<size_t>(a)][static_cast<size_t>(b)] = true;
    return;
  }
  if (far_.empty()) far_.resize(size_t{1} << kHashedBits);
  far_[far(left, right)] = true;
}

}  // namespace llmsweep

#include "tokenizer/safe_cuts.h"

namespace llmsweep {

namespace {

constexpr int32_t kSpaceMark = 0x2581;  // ▁

}  // namespace

int32_t SafeCuts::near(int32_t code) {
  if (code < kNear - 1) return code;
  return code == kSpaceMark ? kNear - 1 : kNear;
}

size_t SafeCuts::far(int32_t left, int32_t right) {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  return static_cast<size_t>(pair * 0x9E3779B97F4A7C15 >> (64 - kHashedBits));
}

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

bool SafeCuts::joined(int32_t left, int32_t right) const {
  const int32_t a = near(left);
  const int32_t b = near(right);
  if (a < kNear && b < kNear) return near_[static_cast<size_t>(a)][static_cast<size_t>(b)];
  return !far_.empty() && far_[far(left, right)];
}

}  // namespace llmsweep

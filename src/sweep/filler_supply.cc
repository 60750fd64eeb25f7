#include "sweep/filler_supply.h"

#include <algorithm>

#include "llmsweep/base/error.h"

namespace llmsweep {

void FillerSupply::top_up(int64_t planned_left) {
  constexpr int64_t kMostAtOnce = 512;  // the next call comes late otherwise
  const int64_t taken = spare_.taken();
  planned_left = std::max<int64_t>(planned_left, 0);
  const int64_t used = taken - taken_before_ + std::max<int64_t>(planned_before_ - planned_left, 0);
  taken_before_ = taken;
  planned_before_ = planned_left;
  const int64_t wanted = std::max(slots_, 2 * used);
  const int64_t missing = 2 * wanted - planned_left - spare_.left();
  if (over_ || missing <= 0) return;
  try {
    spare_.add(make_(std::min(missing, kMostAtOnce)));
  } catch (const Error&) {  // not enough that are distinct, or an interrupt: the slots stay empty
    over_ = true;
  }
}

}  // namespace llmsweep

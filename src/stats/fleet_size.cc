#include "llmsweep/stats/fleet_size.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace llmsweep {

FleetSize fleet_size(const ShownLoad& shown, double load) {
  assert(load > 0 && shown.carries > 0);
  constexpr double kRounding = 1e-9;  // 3 ÷ 0.1 is 30 copies
  FleetSize size;
  size.known_good = std::max<int64_t>(1, std::llround(std::ceil(load / shown.carries - kRounding)));
  if (shown.fails) size.known_bad = std::llround(std::floor(load / *shown.fails + kRounding));
  size.known_bad = std::min(size.known_bad, size.known_good - 1);
  return size;
}

}  // namespace llmsweep

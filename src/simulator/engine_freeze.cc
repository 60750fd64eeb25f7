#include "llmsweep/simulator/engine_freeze.h"

#include <algorithm>

namespace llmsweep {

Instant done_after_freezes(const EngineFreeze& freeze, Instant first, Instant from, Duration work) {
  Instant end = from + work;
  if (freeze.length <= Duration(0)) return end;
  Instant begin = first + freeze.after;
  if (freeze.every > Duration(0) && from > begin)
    begin += (from - begin) / freeze.every * freeze.every;
  while (begin < end) {
    const Instant thaw = begin + freeze.length;
    if (thaw > from) end += thaw - std::max(begin, from);
    if (freeze.every <= Duration(0)) break;
    begin += freeze.every;
  }
  return end;
}

}  // namespace llmsweep

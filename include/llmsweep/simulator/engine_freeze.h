// A simulated engine that does nothing for a while: a stall of the whole server, which holds up all
// that are in flight or come meanwhile.
#pragma once

#include "llmsweep/base/clock.h"

namespace llmsweep {

// From `after` the engine's first request on, for `length`; then again `every` so long.
struct EngineFreeze {
  Duration after{};
  Duration length{};  // 0: never
  Duration every{};   // from begin to begin, above `length`; 0: once
};

// When work that begins at `from` and takes `work` is done. `first`: of the engine's requests.
Instant done_after_freezes(const EngineFreeze& freeze, Instant first, Instant from, Duration work);

}  // namespace llmsweep

// Whether the load was whole beside each measured request of a run: what one client has by the way
// it works, and several that do not talk to each other have to show.
#pragma once

#include <span>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

// Of a closed loop: each of `slots` slots had sent its first request before the first measured one
// was sent, ended its last one after the last measured one had ended, and was idle for no more than
// 1 % of the time between (kSlotGapLimit; what a server asked it to wait is no idleness). Instants
// of two clients may be `uncertain` apart: what that could hide is taken as not shown. `records` of
// all phases, in any order. No measured request: true. O(n log n). Only where slots are kept busy
// after the last measured request: those of one client alone may end with it.
bool slots_were_busy(std::span<const RequestRecord> records, int slots, Duration uncertain);

// Of an open loop: of the arrivals up to the end of the last measured request, which are numbered
// from 0 through all clients, none is missing. O(n log n).
bool arrivals_were_sent(std::span<const RequestRecord> records, Duration uncertain);

}  // namespace llmsweep

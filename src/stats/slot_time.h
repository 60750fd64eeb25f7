// When the slots of a closed loop were busy, and what happened inside a window of time.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/record.h"

namespace llmsweep {

// One request in its slot. Sorted by slot, then start.
struct SlotTime {
  const RequestRecord* record = nullptr;
  Instant start{};              // sent; scheduled where it was never sent
  Instant end{};                // of the request; the last instant known where the end is not
  std::optional<Duration> gap;  // since the end of the slot's request before; absent: the first
  // Of the gap, what the server asked for: the request before was refused with a Retry-After, and
  // the slot was held until this one was scheduled.
  Duration held{};
  // Output tokens received. Of a request that ended before its usage came, and so counted chunks:
  // these times the tokens a chunk of the completed requests whose tokens are known.
  double tokens = 0;

  bool measured() const { return record->phase == Phase::kMeasured; }
  // The slot's whole cycle, from the end of the request before to this one's end: slot gap, E2E
  // latency, and what the server still sends after the last token.
  Duration occupied() const;
};
std::vector<SlotTime> slot_times(std::span<const RequestRecord> records);

struct Window {
  Instant from{};
  Instant to{};

  double seconds() const { return to_seconds(to - from); }
};

// First measured start to last measured last_token (to the last end where no request has one).
std::optional<Window> measured_window(std::span<const SlotTime> times);
// Without fillers: the C-th measured completion to the last measured start, or to the first end
// after which a slot stays idle where that is earlier (slots with chains of their own run out one
// by one; with a common queue it never is). Absent where nothing lies between.
std::optional<Window> issue_window(std::span<const SlotTime> times, int concurrency);

// A request's output tokens inside the window, taken as evenly spread from first_token to
// last_token.
double tokens_inside(const SlotTime& time, const Window& window);
// Time average of requests in flight, all phases; a slot that is held counts as taken.
double mean_in_flight(std::span<const SlotTime> times, const Window& window);

}  // namespace llmsweep

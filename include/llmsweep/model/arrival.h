// A load schedule is data. The load loop does not know whether it is closed or open.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

constexpr uint32_t kNoArrival = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kFreeSlot = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kSparePrompt = std::numeric_limits<uint32_t>::max();

// Starts `at` after the level's start, and not before `after` (an earlier index of the schedule)
// has ended: a closed loop chains a slot's requests, an open loop only uses `at`.
struct Arrival {
  Duration at{};
  uint32_t after = kNoArrival;
  uint32_t slot = 0;    // kFreeSlot: the lowest that is free when it starts
  uint32_t prompt = 0;  // index into the level's prompts; kSparePrompt: one made during the run
  Phase phase = Phase::kMeasured;

  bool operator==(const Arrival&) const = default;
};

// Which request of a trace an arrival is, and of which of its copies, from 0.
struct TraceRow {
  uint32_t row = 0;
  uint32_t copy = 0;

  bool operator==(const TraceRow&) const = default;
};

// When the requests of an open loop, or of users, are measured, after the level's start.
struct OpenWindow {
  Duration from{};
  Duration to{};
  Duration end{};  // of an open loop: measured requests that are still in flight then are given up

  bool operator==(const OpenWindow&) const = default;
};

// arrivals[i].after < i. When a slot has nothing left and measured requests are still in flight
// somewhere, it takes its next one of `filler_prompts` (slot s those at s, s + slots, …), and after
// them what is made while the run goes on, until none is.
struct Schedule {
  std::vector<Arrival> arrivals;
  std::vector<uint32_t> filler_prompts;  // empty: no fillers
  uint32_t slots = 0;                    // 0: an open loop, which takes as many as it needs
  std::optional<OpenWindow> window;      // of an open loop, and of users, who have slots
  // Of a closed loop that measures for a time: what a slot that has nothing left starts in it, from
  // the first measured request on, is measured too. Its prompts are those of `filler_prompts`.
  std::optional<Duration> measure_for;
  std::vector<TraceRow> rows;  // of a trace: rows[i] of arrivals[i]; else empty

  bool is_open() const { return window && slots == 0; }
  // `arrivals` has the first request of each slot.
  bool is_of_users() const { return window && slots > 0; }
};

}  // namespace llmsweep

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
// has ended and `gap` is over: a closed loop chains a slot's requests, an open loop only uses `at`,
// unless it is of a trace whose sessions are closed.
struct Arrival {
  Duration at{};
  uint32_t after = kNoArrival;
  uint32_t slot = 0;    // kFreeSlot: the lowest that is free when it starts
  uint32_t prompt = 0;  // index into the level's prompts; kSparePrompt: one made during the run
  Phase phase = Phase::kMeasured;
  Duration gap{};

  bool operator==(const Arrival&) const = default;
};

// Which request of a trace an arrival is, and of which of its copies, from 0. Of a trace with
// sessions which of the run's it is of, from 0, which of its turns, from 1, and of how many.
struct TraceRow {
  uint32_t row = 0;
  uint32_t copy = 0;
  uint32_t session = 0;
  uint32_t turn = 0;  // 0: the trace has no sessions
  uint32_t turns = 0;

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
  // Of a trace whose sessions are closed: when a later turn is due, and so its phase, is known once
  // the turn before has ended. Its `at` is then the earliest that it may be due, by which arrivals
  // are in order, and its phase the one that it had there. A turn that fails ends its session.
  bool turns_wait = false;

  bool is_open() const { return window && slots == 0; }
  // `arrivals` has the first request of each slot.
  bool is_of_users() const { return window && slots > 0; }
};

}  // namespace llmsweep

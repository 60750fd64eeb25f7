// From a load point to the requests of a run: when each is due, or after which other one. Drawn
// before the run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/arrival.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/part.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/schedule/sessions.h"

namespace llmsweep {

// The levels that a sweep has, in the order in which each of its rounds visits them.
std::vector<LoadPoint> load_points(const LoadSpec& load);

// How many prompts one run of a level takes, by phase. A run's prompts stand in this order:
// warm-up, measured, filler.
struct PromptDemand {
  uint32_t warmup = 0;
  uint32_t measured = 0;
  uint32_t filler = 0;
  uint32_t total() const { return warmup + measured + filler; }
};

// Measured requests of each slot: requests_per_slot, raised so that a level has min_requests.
// Fillers: half of the measured requests and one a slot. Where slots need more (requests of very
// unequal length) more are made while the run goes on.
// With load.duration: one a slot, as how many more there will be is the endpoint's to say, and
// eight a slot to begin with.
// Of a rate: as many as are expected. How many a run has is drawn: see below.
// Of users sessions are counted: one of each user, as more are made while the run goes on.
PromptDemand prompt_demand(const LoadSpec& load, LoadPoint point);
// Of one run, exactly.
PromptDemand prompt_demand(const Schedule& schedule);

// Of one client's part, likewise; fillers rounded up.
PromptDemand prompt_demand(const Schedule& schedule, const Part& part);
// own[i]: whether the part sends the run's prompt i.
std::vector<bool> own_prompts(const Schedule& schedule, const Part& part);

// Standard deviation ÷ mean of a gap between arrivals.
double gap_cv(const ArrivalSpec& arrivals);

// Of an open loop, the most arrivals a second that its rate ever asks for; of a trace, that come in
// any ten seconds.
double peak_rate(const LoadSpec& load, LoadPoint point);

// The most requests that can be in flight at a time, each on a connection of its own.
int most_in_flight(const LoadSpec& load, LoadPoint point);
// How many are in flight at a time, where each takes `request`.
double likely_in_flight(const LoadSpec& load, LoadPoint point, Duration request);

// Of an open loop, or of users.
OpenWindow open_window(const LoadSpec& load);

// A lower bound of the time that one run takes where each request takes `request`.
Duration shortest_run(const LoadSpec& load, LoadPoint point, Duration request);

// A concurrency is a closed loop: C users, each of whom sends the next request when the last one
// has ended. arrivals: the warm-up rounds and then the measured rounds, slot after slot within a
// round; each waits for the one before it in its slot. Hand-over is without a drain: a slot's first
// measured request starts when its own last warm-up request has ended.
// The first requests, which open the connections, start 256 at once and the rest at 2,000 a second;
// with load.spread_starts the first request of slot i of C starts at an instant drawn by `seed`
// from the i-th C-th of that time, if that is later.
//
// A rate is an open loop: arrivals at instants of load.arrivals, drawn by `seed`, from the start to
// the end of load.drain; a request is measured if and only if it is scheduled in the window
// [warmup, warmup + measure). The same seed gives the same gaps at every rate, scaled.
//
// A profile is an open loop whose window are its steps, one after the other; the warm-up has the
// rate that the first begins with, the drain the one that the last ends with.
//
// A trace is an open loop whose requests come at the trace's instants, scaled as load.trace says
// and the point's number. Of a share, sessions are kept or not, by the seed of the workload, and a
// smaller share keeps some of those of a larger one. Copies are shifted by a time drawn by it,
// modulo the trace's length. `seed` draws load.trace.spread. At the trace's end nothing comes any
// more. Where sessions are closed (load.trace.sessions) their later turns wait for the turn before.
// Needs load.trace.replay.
//
// Not of users: see below.
Schedule make_schedule(const LoadSpec& load, LoadPoint point, uint64_t seed = 1);

// Of users who are found in mid-life (schedule/sessions.h). arrivals[i] is the first request of
// slot i, `prompt` the number of its session; what follows it is known once it has ended. It is
// measured where it falls into the window, unless it only primes the server's cache for the next
// turn.
Schedule make_users_schedule(const LoadSpec& load, std::span<const UserStart> starts);

// Of a repeat: the same for all levels and all systems.
uint64_t schedule_seed(uint64_t workload_seed, int repeat);

// SHA-256 over the arrivals: of each its instant in nanoseconds (8 bytes, the lowest first) and its
// phase (1 byte); of one that waits for another that one's index (4 bytes) and the gap after its
// end (8 bytes).
std::string schedule_sha256(const Schedule& schedule);

}  // namespace llmsweep

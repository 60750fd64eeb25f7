// One of several clients that run a sweep together and never talk to each other: which part of each
// run's schedule it sends, and when each run begins. Run k of all clients begins at the same
// instant of a timetable, `start_at + k · every`, and each keeps its slots busy until
// `load_until()`, so that the last measured request of any client has the whole load beside it
// (docs/scale.md).
#pragma once

#include <string>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/part.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

struct PartPlan {
  Part part;
  Duration start_at{};  // UTC, since the epoch; of a part of one not used, as `every`
  Duration every{};     // between the begins of two runs

  // Since the epoch, of run k from 0.
  Duration begin(int run) const { return start_at + run * every; }
  // Until when the load of run k goes on: what is left before the next one is for its prompts.
  Duration load_until(int run) const;
};

std::string text_of(const Part& part);  // "part 0/3"

// What a result of a part says of itself; empty of the only client.
std::string note_of(const Part& part);

// Throws Error where clients that do not talk to each other cannot share what the spec asks for:
// what is drawn by each for itself (workload.nonce), what depends on what was measured before (a
// search, refine, a budget), an endpoint of each one's own, users, or levels with fewer slots than
// clients.
void require_divisible(const SweepSpec& spec, const PartPlan& plan);

// The spec with what a part leaves out: pages of metrics, for the counts of a server that serves
// all clients say nothing about one of them.
SweepSpec spec_of_part(SweepSpec spec);

}  // namespace llmsweep

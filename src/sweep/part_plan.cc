#include "llmsweep/sweep/part_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/schedule/schedule.h"

namespace llmsweep {
namespace {

// Of the time between two begins, and no more than that: fillers are cancelled, records written,
// the next run's prompts made.
constexpr int kPauseShare = 5;
constexpr Duration kLongestPause = std::chrono::seconds(30);

[[noreturn]] void refuse_spec(const char* where, std::string what, std::string next) {
  throw Error({.what = std::move(what), .where = where, .next = std::move(next)});
}

int most_slots(const SweepSpec& spec) {
  int most = 0;
  for (const LoadPoint point : load_points(spec.load)) {
    most = std::max(most, point.is_closed() ? point.slots() : spec.load.max_in_flight);
  }
  return most;
}

}  // namespace

Duration PartPlan::load_until(int run) const {
  return begin(run) + every - std::min<Duration>(every / kPauseShare, kLongestPause);
}

std::string text_of(const Part& part) {
  return fmt::format("part {}/{}", part.rank, part.of);
}

std::string note_of(const Part& part) {
  if (part.is_whole()) return {};
  return fmt::format(
      "{}: these are the requests of one of {} clients, and no result of the load; "
      "llmsweep merge makes that of all parts",
      text_of(part), part.of);
}

void require_divisible(const SweepSpec& spec, const PartPlan& plan) {
  if (!spec.endpoint.simulator.empty()) {
    refuse_spec("endpoint.simulator", "each client would measure a simulated endpoint of its own",
                "start one with 'llmsweep simulate' and give its URL");
  }
  if (spec.load.has_users()) {
    refuse_spec(
        "load.users", "users with sessions cannot be shared among clients yet",
        "measure them with one client, or share a concurrency, a rate, a profile or a trace");
  }
  if (spec.load.trace.turns_wait()) {
    refuse_spec("load.trace.sessions",
                "sessions whose turns wait for each other cannot be shared among clients yet",
                "say open, or measure them with one client");
  }
  if (spec.load.search.wanted() || spec.load.refine) {
    refuse_spec(spec.load.refine ? "load.refine" : "search",
                "which levels come next depends on what all clients measured, and they do not talk",
                "list the levels");
  }
  if (spec.load.budget.tokens || spec.load.budget.time) {
    refuse_spec("load.budget", "each client would stop where its own budget ends",
                "leave it out; --every says how long a run may take");
  }
  if (!spec.load.fillers) {
    refuse_spec("load.fillers", "without fillers nothing keeps the load up for the other clients",
                "leave it out");
  }
  if (spec.load.concurrency.size() > 0 && spec.load.warmup_per_slot == 0) {
    refuse_spec("load.warmup_per_slot",
                "a client's first measured requests would have no load of the "
                "others beside them",
                "give each slot one at least");
  }
  if (!spec.require.empty()) {
    refuse_spec("require", "a part reads no pages of metrics, so that no level could have energy",
                "leave it out");
  }
  if (plan.part.is_whole()) return;
  if (spec.workload.nonce == kAutoNonce) {
    refuse_spec("workload.nonce",
                "each client would draw other words for its prompts to begin with",
                "give all clients the same: --set workload.nonce=TEXT");
  }
  if (const int slots = most_slots(spec); static_cast<int64_t>(plan.part.of) > slots) {
    refuse_spec("--part",
                fmt::format("{} clients cannot share {} slot{}", plan.part.of, slots,
                            slots == 1 ? "" : "s"),
                "run fewer clients");
  }
}

SweepSpec spec_of_part(SweepSpec spec) {
  spec.endpoint.metrics = {.automatic = false, .pages = {}};
  return spec;
}

}  // namespace llmsweep

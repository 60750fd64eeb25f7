// What a run will do and how long it takes at least, before it is started.
#pragma once

#include <optional>
#include <string>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/selftest_result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

// Of the level with the most.
int most_streams(const SweepSpec& spec);

// The plan in a few lines: levels, requests, tokens, arrivals.
std::string plan_text(const SweepSpec& spec);

// The most streams, and the most chunks a second: as if each kept the speed of one alone. Nothing
// is said of the rate where the probe was too quick to show it.
PlannedLoad planned_load(const SweepSpec& spec, const Preflight& preflight);

// How long one request of the spec's lengths takes with nothing beside it, from the probes: their
// time to the first token and per token. The prompt's length is accounted for where the check has
// timed such a prompt.
Duration request_time_alone(const SweepSpec& spec, const Preflight& preflight);

// A lower bound: every request as quick as one alone.
Duration shortest_run_time(const SweepSpec& spec, Duration request_alone);

// What a whole sweep sends and costs at least. Fillers are not counted: as few as their slots need.
struct SweepCost {
  int64_t input_tokens = 0;  // 0: the prompts keep their own length
  int64_t output_tokens = 0;
  std::optional<double> tokens_price;  // absent: the spec states no price of tokens
  std::optional<double> gpus_price;    // of `time`; absent: the spec states none, or no GPUs
};
SweepCost least_cost(const SweepSpec& spec, Duration time);
// "in all     at least 16,800,000 prompt tokens and …" and, where there are prices, what that
// costs; a line each.
std::string cost_text(const SweepSpec& spec, const SweepCost& cost);

}  // namespace llmsweep

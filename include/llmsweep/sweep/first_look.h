// A sweep of which little was said: a URL, maybe some numbers. What nobody said is chosen from what
// the check of the endpoint found, so that the first table is there within a minute.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/preflight.h"
#include "llmsweep/sweep/sweep.h"

namespace llmsweep {

// What the user did say. The rest is chosen.
struct Said {
  bool name = false;
  bool input_tokens = false;
  bool output_tokens = false;
  bool requests = false;  // requests_per_slot or min_requests
  bool repeats = false;
  bool window = false;  // warmup or measure of a rate
};

inline constexpr Duration kFirstTableWithin = std::chrono::seconds(50);
inline constexpr int kFirstRepeats = 3;

// Sets the model, the tokenizer that was taken, and what was not said: the name from the model,
// lengths that fit the model's context, one repeat of as many requests as fit half of
// kFirstTableWithin by the probes' time (of rates: windows that share that time, with 30 arrivals
// at least), up to kFirstRepeats while there is time (more_repeats_in_time()), and as many requests
// as the statistics of the targets need. Returns what a user should know of that, a line each.
std::vector<std::string> choose_the_rest(SweepSpec& spec, const Preflight& preflight,
                                         const Said& said);

// One more repeat of every level while it would end within kFirstTableWithin of now, by the mean
// time of those before.
RepeatsWanted more_repeats_in_time(const Clock& clock);

}  // namespace llmsweep

// Results of `llmsweep versus`: the runs of two sides that belong together. Private to analysis/.
#pragma once

#include <string>

#include "llmsweep/analysis/compare.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

// The two sides of one comparison: what was the same for both runs of a pair is in neither's ratio.
bool are_paired(const SweepResult& a, const SweepResult& b);

// A sentence that says why two sides of `llmsweep versus` are not compared in pairs; empty where
// they are, or where one was measured by itself.
std::string pairing_refusal(const SweepResult& a, const SweepResult& b);

// Whether every run of the one level has one of the other, repeat by repeat in the same order.
bool have_the_same_repeats(const LevelStats& a, const LevelStats& b);

// Whether the runs of both sides met the same arrivals, each in its turn: of rates.
bool same_schedules(const LevelStats& baseline, const LevelStats& candidate);

// The two results with only the pairs in which both runs are valid, their levels judged by those.
// A level of which fewer than kFewestPairs are left is as it was.
struct PairedResults {
  SweepResult baseline, candidate;
  Pairs pairs;
};
PairedResults pairs_of(const SweepResult& baseline, const SweepResult& candidate);

}  // namespace llmsweep

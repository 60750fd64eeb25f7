// Two systems side by side: rounds of pairs. In a round each level is measured once of A and once
// of B, next to each other, so that what drifts while they are measured is the same for both.
//
// Leaves two ordinary sweeps, `folder`/a and `folder`/b, whose results say that they are paired.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/base/interrupt.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/results/versus_file.h"
#include "llmsweep/sweep/sweep.h"

namespace llmsweep {

// Which side of a pair comes first.
//   kRandom: drawn for each level and round; of R rounds A is first in ⌊R/2⌋ or ⌈R/2⌉ of each
//            level, and of all pairs in half, or half and one more
//   kAbba: A B, then B A, from level to level and from round to round
enum class PairRule { kRandom, kAbba };

// rounds[r]: the levels in the order in which round r visits them. The pairs in the order in which
// they are measured. Deterministic in `seed`.
std::vector<PairOrder> pair_order(std::span<const std::vector<LoadPoint>> rounds, PairRule rule,
                                  uint64_t seed);

// Throws Error that names each key of `workload` and `load` in which two specs differ, and what no
// comparison side by side can have: load.refine, load.budget, levels that are added.
void require_same_load(const SweepSpec& a, const SweepSpec& b);

struct VersusOptions {
  Patience patience;    // of each side's check
  std::string command;  // that asked for it, without credentials; kept in both results
};

struct VersusOutcome {
  SweepOutcome a, b;
  bool whole = false;  // every pair is measured
};

// The folders exist; empty ones, or those of a comparison that `plan` was made for, which goes on
// at the first pair of which a side lacks its run: that pair is measured anew as a whole, with
// prompts that neither side has had. Throws as run_sweep() does, and Error where the two endpoints
// would get different prompts; nothing was measured then.
VersusOutcome run_versus(const VersusPlan& plan, const SweepSpec& a, const SweepSpec& b,
                         const std::filesystem::path& folder, const Interrupts& interrupts,
                         SweepObserver& of_a, SweepObserver& of_b,
                         const VersusOptions& options = {});

}  // namespace llmsweep

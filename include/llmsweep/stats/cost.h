// What tokens cost and what energy they use, by what the user states of prices and power and by
// what was read of energy. Formulas and what each basis includes: docs/cost.md.
//
// With X the headline's output throughput of a run, tokens/s:
//   cost of 1M output tokens = price of a GPU-hour · GPUs ÷ (X · 3600) · 10⁶
//   J per output token       = W ÷ X, for a power that is stated (nodes, provisioned) or that a
//                              meter at the nodes read, mean over the run's window
//   electricity for 1M       = J per output token · 10⁶ ÷ 3.6·10⁶ · price of a kWh · PUE
// The cost of input and output tokens together divides by their throughput in place of X. J per
// output token of the GPUs is that of the run's own readings (telemetry/energy.h).
#pragma once

#include <optional>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Fills the costs and energies of a run, once its throughputs and its telemetry are there. What is
// not stated stays absent. A price without source or date is none: it says nothing to a reader.
void fill_costs(RunStats& run, const SystemSpec& system, const PriceSpec& prices);

// The runs of one level have their GPUs' energy by one basis: the counters where no run lacks them,
// else the integral of power where none lacks that, else each by its counters.
void choose_gpu_energy(std::vector<RunStats>& runs);

// Of a level, with the intervals between its runs; nothing where neither a price nor a power is
// stated and no energy was read.
std::optional<OperatingPoint> operating_point(const LevelStats& level, const SystemSpec& system,
                                              const std::optional<PriceSpec>& prices);

// For each target of the result that a level meets. After the levels and the targets are there.
void fill_operating_points(SweepResult& result);

}  // namespace llmsweep

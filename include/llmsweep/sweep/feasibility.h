// What can be known before a run and would be refused, or called INVALID, only in or after it.
#pragma once

#include "llmsweep/base/interrupt.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

// Throws Error for lengths beyond the model's context, too few requests for a target's statistic,
// a dataset that cannot give the prompts; MeasurementError for descriptors and ports that this
// machine lacks. `simulated`: the endpoint is in this process. Makes some prompts, sends nothing.
void require_feasible(const SweepSpec& spec, const Preflight& preflight, bool simulated,
                      const Interrupts* interrupts = nullptr);

}  // namespace llmsweep

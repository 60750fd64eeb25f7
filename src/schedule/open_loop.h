// The schedule of a rate: every arrival of a run, drawn before it. Pure.
#pragma once

#include <cstdint>

#include "llmsweep/model/arrival.h"
#include "llmsweep/model/spec.h"
#include "schedule/arrival_process.h"

namespace llmsweep {

Phase phase_at(Duration at, const OpenWindow& window);

// Arrivals from the start to the end of the drain, in time order: warm-up, measured, filler, by
// where `at` lies. The first of the fillers have prompts planned, a quarter of the measured ones;
// later ones are seldom needed, and take spares.
Schedule open_loop(const ArrivalSpec& arrivals, const OpenWindow& window, RateCurve curve,
                   uint64_t seed);

}  // namespace llmsweep

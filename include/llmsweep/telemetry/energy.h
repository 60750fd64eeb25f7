// The energy of a run's window by the GPUs' own counters, or by their power where they have none.
//
// E = Σ over GPUs of counter(b) − counter(a); the error is Σ of mean power × (δa + δb), where δ is
// what is not known of the instant at which an edge's value was true: half of the time between two
// readings between which the counter was seen to move, else the interval at which it refreshes and
// half of the time that the page took. J per output token divides by the tokens that this client
// received between the same two instants, of all phases.
#pragma once

#include <span>
#include <vector>

#include "llmsweep/model/telemetry.h"

namespace llmsweep {

inline constexpr double kShortestEnergyWindow = 60;  // s
inline constexpr double kLargestEnergyError = 0.02;  // of the energy
inline constexpr double kEnergyDisagrees = 0.05;     // counter against the integral of power
inline constexpr double kLongestPowerGap = 3;        // s, between two readings of power

// Of the pages of one run with a counter of energy or a power; `gpus` 0: not stated. Each basis
// that there are readings of, in declaration order: nothing is filled in from another.
std::vector<EnergyReading> run_energy(std::span<const PageRead> pages, int gpus);

// Of an energy counter, the longest time between two readings at which it had moved, s; nothing
// where it was not seen to move twice. `pages` are of one source, in order.
std::optional<double> refresh_of(std::span<const PageRead* const> pages);

}  // namespace llmsweep

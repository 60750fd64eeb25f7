// The special functions that the statistics need; Boost.Math stays in distributions.cc.
#pragma once

#include <cstdint>

namespace llmsweep {

// P(Binomial(trials, p) ≤ successes); 0 below 0, 1 from `trials` on.
double binomial_cdf(int64_t successes, int64_t trials, double p);

}  // namespace llmsweep

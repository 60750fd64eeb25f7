// Isotonic regression by pooling adjacent violators (Ayer et al. 1955): the non-decreasing sequence
// nearest to `values` in weighted least squares. Linear time.
#pragma once

#include <span>
#include <vector>

namespace llmsweep {

// One weight, > 0, for each value; no weights at all: all 1. The result matches `values`.
std::vector<double> isotonic_increasing(std::span<const double> values,
                                        std::span<const double> weights = {});

}  // namespace llmsweep

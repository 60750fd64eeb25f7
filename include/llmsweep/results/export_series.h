// A result for the consumers of time series: a figure of a level is a point.
//
// A level that cannot be trusted gives Bencher and github-action-benchmark no point, since they
// would keep it beside the others; OpenMetrics says of each level whether it is valid.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/load_point.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

// Bencher's metric format: {"NAME c8": {"e2e-p50-ms": {"value": …, "lower_value": …, …}}}, the
// bounds being those of the 95 % interval.
std::string export_bencher(const SweepResult& result);

// github-action-benchmark's customSmallerIsBetter or customBiggerIsBetter: the figures of which
// that is the better side.
std::string export_github_benchmark(const SweepResult& result, Direction better);

// OpenMetrics text: gauges in base units, at the instant of the sweep where that is known.
std::string export_openmetrics(const SweepResult& result);

// The levels that the first two leave out.
std::vector<LoadPoint> levels_without_points(const SweepResult& result);

}  // namespace llmsweep

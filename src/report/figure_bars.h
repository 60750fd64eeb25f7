// Users per GPU at each latency target as horizontal bars. Private to report/.
#pragma once

#include <span>
#include <string>

#include "llmsweep/report/figure.h"
#include "report/plot.h"

namespace llmsweep::report {

std::string bars_figure(std::span<const SweepResult> results, const Plot& plot,
                        const FigureOptions& options);

}  // namespace llmsweep::report

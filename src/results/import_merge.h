// Runs of other tools' files become one result. Private to results/.
#pragma once

#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/results/import.h"
#include "results/import_run.h"

namespace llmsweep::foreign {

// At least one run. Throws Error where they are not of one sweep, or say no concurrency or GPUs.
SweepResult merge(std::vector<Run> runs, const ImportOptions& options);

}  // namespace llmsweep::foreign

// Runs of other tools' files become one result. Private to import/.
#pragma once

#include <vector>

#include "import/import_run.h"
#include "llmsweep/import/import.h"
#include "llmsweep/model/result.h"

namespace llmsweep::foreign {

// At least one run. Throws Error where they are not of one sweep, or say no concurrency or GPUs.
SweepResult merge(std::vector<Run> runs, const ImportOptions& options);

}  // namespace llmsweep::foreign

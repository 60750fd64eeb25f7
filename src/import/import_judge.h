// Whether an imported run can be trusted, by the rules for our own runs. Private to import/.
#pragma once

#include "import/import_run.h"
#include "llmsweep/model/level.h"

namespace llmsweep::foreign {

// Fills valid, reasons and warnings of `stats`, which are those of `run` with all that could be
// recomputed, and its achieved concurrency where only the file's own average is known. What the
// file was marked with stays. Adds a note to `run` where its own figures speak against its
// concurrency.
void judge(Run& run, RunStats& stats);
// The same of the level that was pooled of judged runs.
void judge(LevelStats& level);

}  // namespace llmsweep::foreign

// The trace of a spec, read and cut to what its levels replay.
#pragma once

#include "llmsweep/model/spec.h"

namespace llmsweep {

// Where spec.load.trace names a file: fills its `replay`, and the lengths of spec.workload with
// those of the requests, each as often as it comes. Throws Error with the file or the key: the file
// is no trace, has no instants, nothing is left of it, or it ends before what load.warmup and
// load.measure ask for. Without a trace it does nothing.
void load_trace(SweepSpec& spec);

}  // namespace llmsweep

// `export --as requests-csv`: the records of a run, read and written one by one.
#pragma once

#include <string>

#include "cli/console.h"
#include "llmsweep/results/share.h"

namespace llmsweep {

// `result`: the folder of a run, or its result.json. `out`: a file; empty or "-": standard output.
// `sharing`: null, or what the texts pass through. Throws Error where there are no records.
void export_requests(const std::string& result, const std::string& out, const Sharing* sharing,
                     Console& console);

}  // namespace llmsweep

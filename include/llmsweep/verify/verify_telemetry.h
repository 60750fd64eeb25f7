// Holds what result.json says of the server against the pages that telemetry.jsonl keeps.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/results/journal.h"

namespace llmsweep {

// A problem for each run of the journal whose telemetry in `result` is not that of its pages, or
// whose pages cannot be read. Runs without pages, and runs that `result` does not have, are none.
std::vector<std::string> verify_telemetry(const std::filesystem::path& telemetry,
                                          const Journal& journal, const SweepResult& result);

}  // namespace llmsweep

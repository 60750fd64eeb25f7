// What `run` and `rebuild` print at their end.
#pragma once

#include <filesystem>

#include "cli/console.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

constexpr size_t kPathBytes = 4096;  // of a path that is shown

// The table of levels, and how many users meet each target.
void print_result(const SweepResult& result, Console& console);

// Those of a run's files that are in `folder`, one a line.
void list_files(const std::filesystem::path& folder, Console& console);

}  // namespace llmsweep

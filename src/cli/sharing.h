// --share: what leaves the program names no machine, endpoint, file or user.
#pragma once

#include <CLI/CLI.hpp>

#include "llmsweep/results/share.h"

namespace llmsweep {

void add_share(CLI::App& command, bool& share);

// Also withholds the name and the home of whoever runs the program. `result` must outlive it.
Sharing sharing_of(const SweepResult& result);

}  // namespace llmsweep

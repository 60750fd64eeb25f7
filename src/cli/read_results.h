// Results as commands take them: a result.json, or the folder that a run left.
#pragma once

#include <string>

#include "llmsweep/model/result.h"

namespace llmsweep {

// Throws Error naming the path.
SweepResult read_result_argument(const std::string& path);

}  // namespace llmsweep

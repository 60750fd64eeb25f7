// Results as commands take them: a result.json, or the folder that a run left.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep {

// Throws Error naming the path.
SweepResult read_result_argument(const std::string& path);

// The same to be compared: a side of `llmsweep versus` that is not what the records beside it give
// says so in `pairing.refused`, so that nothing is taken for a pair that is none.
SweepResult read_side(const std::string& path);

// Several beside each other: "main=results/x" names a side, whatever its file says. Where two are
// called alike they take the names of their folders, or files.
std::vector<SweepResult> read_result_arguments(const std::vector<std::string>& arguments);
std::string path_of(const std::string& argument);  // without the name

}  // namespace llmsweep

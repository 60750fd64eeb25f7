// --target of the commands that show results.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace CLI {
class App;
}

namespace llmsweep {

void add_targets(CLI::App& command, std::vector<std::string>& targets);

// Targets that are asked for come first, and replace the file's own answer to the same one.
// Throws Error for a text that is no target.
void answer_targets(const std::vector<std::string>& targets, SweepResult& result);

}  // namespace llmsweep

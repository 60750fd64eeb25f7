// SPEC and --set of the commands that read a run spec.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/spec.h"

namespace CLI {
class App;
}

namespace llmsweep {

// load_spec(), and the trace that it names (load_trace()).
SweepSpec load_run_spec(const std::string& path, const std::vector<std::string>& sets);

void add_spec(CLI::App& command, std::string& spec, std::vector<std::string>& sets);

}  // namespace llmsweep

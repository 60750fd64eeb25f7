// SPEC and --set of the commands that read a run spec.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace llmsweep {

void add_spec(CLI::App& command, std::string& spec, std::vector<std::string>& sets);

}  // namespace llmsweep

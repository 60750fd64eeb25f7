// --wait of `run` and `check`.
#pragma once

#include <string>

#include "llmsweep/sweep/preflight.h"

namespace CLI {
class App;
}

namespace llmsweep {

void add_wait(CLI::App& command, std::string& wait);

// Empty: the defaults. Given, it is for an endpoint where nobody listens yet, too. Throws Error for
// what is no duration.
Patience patience_of(const std::string& wait);

}  // namespace llmsweep

// The command lines of what is generated from the definition of all: completion, man.
#pragma once

#include "cli/analysis_commands.h"

namespace llmsweep {

// Each adds its subcommand to `app`, which must still be there when it runs.
void add_completion(CLI::App& app, Command& chosen);
void add_man(CLI::App& app, Command& chosen);

}  // namespace llmsweep

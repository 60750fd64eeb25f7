// The command lines of what shows results: report, show.
#pragma once

#include "cli/analysis_commands.h"

namespace llmsweep {

// Each adds its subcommand to `app`; when it is parsed it becomes `chosen`.
void add_report(CLI::App& app, Command& chosen);
void add_show(CLI::App& app, Command& chosen);

}  // namespace llmsweep

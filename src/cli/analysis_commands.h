// The command lines of what works on result files: compare, gate, import, export.
#pragma once

#include <functional>

#include "cli/console.h"

namespace CLI {
class App;
}

namespace llmsweep {

// A parsed command line: what to do with it.
using Command = std::function<int(Console&)>;

// Each adds its subcommand to `app`; when it is parsed it becomes `chosen`.
void add_compare(CLI::App& app, Command& chosen);
void add_gate(CLI::App& app, Command& chosen);
void add_import(CLI::App& app, Command& chosen);
void add_export(CLI::App& app, Command& chosen);

}  // namespace llmsweep

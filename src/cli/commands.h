// The commands. NAME_command.cc holds all of one: its options, what they are called and its
// function, which returns the process's exit code and throws Error for what the user can mend.
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
void add_run(CLI::App& app, Command& chosen);
void add_init(CLI::App& app, Command& chosen);
void add_demo(CLI::App& app, Command& chosen);
void add_rebuild(CLI::App& app, Command& chosen);
void add_merge(CLI::App& app, Command& chosen);
void add_check(CLI::App& app, Command& chosen);
void add_simulate(CLI::App& app, Command& chosen);
void add_selftest(CLI::App& app, Command& chosen);
void add_compare(CLI::App& app, Command& chosen);
void add_versus(CLI::App& app, Command& chosen);
void add_gate(CLI::App& app, Command& chosen);
void add_tokens(CLI::App& app, Command& chosen);
void add_trace(CLI::App& app, Command& chosen);
void add_size(CLI::App& app, Command& chosen);
void add_prompts(CLI::App& app, Command& chosen);
void add_report(CLI::App& app, Command& chosen);
void add_show(CLI::App& app, Command& chosen);
void add_import(CLI::App& app, Command& chosen);
void add_export(CLI::App& app, Command& chosen);
void add_verify(CLI::App& app, Command& chosen);
void add_calibrate(CLI::App& app, Command& chosen);
void add_completion(CLI::App& app, Command& chosen);
void add_licenses(CLI::App& app, Command& chosen);
void add_man(CLI::App& app, Command& chosen);

}  // namespace llmsweep

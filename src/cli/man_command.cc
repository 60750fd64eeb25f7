#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "cli/man_page.h"
#include "llmsweep/cli/cli.h"

namespace llmsweep {

void add_man(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("man", "Print the manual page");
  command->footer("Example:\n  llmsweep man | man -l -\n");
  command->callback([&app, &chosen] {
    chosen = [&app](Console& console) {
      console.out << man_page(command_tree(app));
      return kExitOk;
    };
  });
}

}  // namespace llmsweep

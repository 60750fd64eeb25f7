#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "llmsweep/model/exit_code.h"

extern "C" {
extern const char llmsweep_notices_begin[], llmsweep_notices_end[];
}

namespace llmsweep {

void add_licenses(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "licenses", "Print this program's licence and the notices of all that is inside it");
  command->footer("Example:\n  llmsweep licenses | less\n");
  command->callback([&chosen] {
    chosen = [](Console& console) -> int {
      console.out.write(llmsweep_notices_begin, llmsweep_notices_end - llmsweep_notices_begin);
      return kExitOk;
    };
  });
}

}  // namespace llmsweep

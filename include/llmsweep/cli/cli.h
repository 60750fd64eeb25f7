// The command line: `llmsweep run SPEC`, `llmsweep compare A B`, and so on.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "llmsweep/model/exit_code.h"

namespace llmsweep {

// Runs one command. `args` are the words after the program's name. Results go to `out`, progress,
// warnings and errors to `err`. Every llmsweep::Error ends here as one message and an exit code;
// nothing is thrown. Returns an ExitCode.
int run_cli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err);

}  // namespace llmsweep

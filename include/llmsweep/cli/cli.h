// The command line: `llmsweep run SPEC`, `llmsweep compare A B`, and so on.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace llmsweep {

// What the process exits with. Documented in README.md and in `llmsweep --help`.
enum ExitCode : int {
  kExitOk = 0,
  kExitMeasurementFailed = 1,
  kExitUsage = 2,  // a flag, a spec or an input file is wrong
  kExitGateFail = 10,
  kExitGateInconclusive = 11,
  kExitGateInvalid = 12,
  kExitInterrupted = 130,
};

// Runs one command. `args` are the words after the program's name. Results go to `out`, progress,
// warnings and errors to `err`. Every llmsweep::Error ends here as one message and an exit code;
// nothing is thrown.
int run_cli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err);

}  // namespace llmsweep

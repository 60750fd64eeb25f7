// What the process exits with. Documented in README.md and in `llmsweep --help`.
#pragma once

namespace llmsweep {

enum ExitCode : int {
  kExitOk = 0,
  kExitMeasurementFailed = 1,
  kExitUsage = 2,  // a flag, a spec or an input file is wrong
  kExitGateFail = 10,
  kExitGateInconclusive = 11,
  kExitGateInvalid = 12,
  kExitBudgetSpent = 13,  // load.budget: what was measured is written, a resume goes on
  kExitInterrupted = 130,
};

}  // namespace llmsweep

// What `gate` and `run --gate` share: a verdict printed, written to the files asked for, and to
// GitHub Actions where it runs there.
#pragma once

#include <string>

#include "cli/console.h"
#include "llmsweep/analysis/gate.h"

namespace llmsweep {

struct GateOutputs {
  // On standard output; kTextAside: on standard error, where the output has its own JSON.
  enum class Printed { kText, kJson, kTextAside };

  std::string json;   // path; empty: not written
  std::string junit;  // likewise
  Printed printed = Printed::kText;
};

// Throws Error for a path that cannot be written: asked before a run, not after it. Empties what is
// there, so that an earlier verdict is never taken for that of a run which came to none.
void require_writable(const GateOutputs& outputs);

// The exit code.
int deliver_verdict(const GateReport& report, const GateOutputs& outputs, Console& console);

}  // namespace llmsweep

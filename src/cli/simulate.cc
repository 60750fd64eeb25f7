#include <ostream>

#include "cli/commands.h"
#include "cli/format_option.h"
#include "cli/interrupt.h"
#include "cli/own_input.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/simulator/simulator.h"

namespace llmsweep {

int simulate_command(const SimulateOptions& options, Console& console) {
  refuse_own_inputs({options.log, options.certificate}, {options.profile});
  const InterruptListener interrupts;
  Simulator simulator(read_profile(options.profile), {.port = options.port,
                                                      .truth_log = options.log,
                                                      .api_key = options.api_key,
                                                      .tls = options.tls,
                                                      .certificate = options.certificate});
  const std::string url = simulator.base_url();
  const bool json = options.format == kJsonFormat;
  // At once: scripts wait for this line.
  console.out << (json ? "{\"base_url\": \"" + url + "\"}" : url) << std::endl;
  if (!console.out)
    return kExitMeasurementFailed;  // nobody knows where it listens: run_cli says so
  console.err << "SIMULATED endpoint of " << options.profile << "; Ctrl-C ends it\n";
  interrupts.wait();
  simulator.stop();
  return kExitOk;
}

}  // namespace llmsweep

#include <ostream>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/simulator/simulator.h"

namespace llmsweep {

int simulate_command(const SimulateOptions& options, Console& console) {
  const InterruptListener interrupts;
  Simulator simulator(read_profile(options.profile), {.port = options.port,
                                                      .truth_log = options.log,
                                                      .api_key = options.api_key,
                                                      .tls = options.tls,
                                                      .certificate = options.certificate});
  console.out << simulator.base_url() << std::endl;  // at once: scripts wait for this line
  console.err << "SIMULATED endpoint of " << options.profile << "; Ctrl-C ends it\n";
  interrupts.wait();
  simulator.stop();
  return kExitOk;
}

}  // namespace llmsweep

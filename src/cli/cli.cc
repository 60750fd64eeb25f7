#include "llmsweep/cli/cli.h"

#include <ostream>

namespace llmsweep {

int run_cli(const std::vector<std::string>&, std::ostream&, std::ostream& err) {
  err << "llmsweep: no command is built in yet\n";
  return kExitUsage;
}

}  // namespace llmsweep

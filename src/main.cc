#include <unistd.h>

#include <iostream>

#include "cli/message_stream.h"
#include "llmsweep/base/secrets.h"
#include "llmsweep/cli/cli.h"

int main(int argc, char** argv) {
  llmsweep::keep_secrets_out_of_core_dumps();
  const llmsweep::MessageStream messages(std::cerr, STDERR_FILENO);
  return llmsweep::run_cli({argv + 1, argv + argc}, std::cout, std::cerr);
}

#include <iostream>

#include "llmsweep/base/secrets.h"
#include "llmsweep/cli/cli.h"

int main(int argc, char** argv) {
  llmsweep::keep_secrets_out_of_core_dumps();
  return llmsweep::run_cli({argv + 1, argv + argc}, std::cout, std::cerr);
}

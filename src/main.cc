#include <iostream>

#include "llmsweep/cli/cli.h"

int main(int argc, char** argv) {
  return llmsweep::run_cli({argv + 1, argv + argc}, std::cout, std::cerr);
}

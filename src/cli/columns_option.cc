#include "cli/columns_option.h"

#include <CLI/CLI.hpp>

namespace llmsweep {

void add_columns(CLI::App& command, std::string& columns) {
  command
      .add_option("--columns", columns,
                  "Figures to show: throughput,e2e:p99,itl (docs/metrics.md has all)")
      ->type_name("KEY[,KEY...]");
}

}  // namespace llmsweep

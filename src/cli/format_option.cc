#include "cli/format_option.h"

#include <CLI/CLI.hpp>

namespace llmsweep {

void add_format(CLI::App& command, std::string& format) {
  command.add_option("--format", format, format + ", or json for programs")
      ->check(CLI::IsMember({format, std::string(kJsonFormat)}))
      ->capture_default_str();
}

}  // namespace llmsweep

// `--format`: what a command prints for people, or one JSON value for programs.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace llmsweep {

inline constexpr const char* kJsonFormat = "json";

// Adds --format with the choices `format` (as it stands: the default) and json.
void add_format(CLI::App& command, std::string& format);

}  // namespace llmsweep

// --columns of the commands that print tables of levels.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace llmsweep {

// The text is for parse_columns().
void add_columns(CLI::App& command, std::string& columns);

}  // namespace llmsweep

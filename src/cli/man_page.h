// llmsweep(1), in the man macros.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace llmsweep {

std::string man_page(const CommandTree& tree);

}  // namespace llmsweep

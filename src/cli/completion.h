// Scripts that complete the whole command line in a shell.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace llmsweep {

std::string bash_completion(const CommandTree& tree);
std::string zsh_completion(const CommandTree& tree);
std::string fish_completion(const CommandTree& tree);

}  // namespace llmsweep

// Outputs that would replace what the command reads.
#pragma once

#include <string>
#include <vector>

namespace llmsweep {

// Throws Error where one of `outputs` is the file, or in the result folder the file, that one of
// `inputs` names, or where two outputs are one. Empty names and "-" are none.
void refuse_own_inputs(const std::vector<std::string>& outputs,
                       const std::vector<std::string>& inputs);

}  // namespace llmsweep

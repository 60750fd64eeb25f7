// What tokens cost and use where a target is met, in sentences. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep::report {

// For each target that a level meets: the cost with who states the price, and the energy by each
// basis with what is known of its error. Empty: nothing is stated and nothing was read.
std::vector<std::string> cost_sentences(const SweepResult& result);

}  // namespace llmsweep::report

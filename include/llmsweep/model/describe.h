// The words for what several modules show: token counts, and what a reader must know of a result.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

double mean_tokens(const TokenCount& count);
// "2,400", "100 to 200", "1,600 ± 50", "900 on average (3 lengths)".
std::string tokens_text(const TokenCount& count);

// What a reader must know before any number: SIMULATED, published, imported, preliminary,
// interrupted, in that order; empty for a plain measurement.
std::vector<std::string> marks_of(const SweepResult& result);

// The limits of those that the result answers, each once and by itself.
std::vector<Target> answered_targets(const SweepResult& result);

}  // namespace llmsweep

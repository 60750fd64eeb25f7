// How many tokens, in words and as a mean.
#pragma once

#include <string>

#include "llmsweep/model/spec.h"

namespace llmsweep {

double mean_of(const TokenCount& count);
std::string text_of(const TokenCount& count);  // "2,400", "100 to 200", "1,600 ± 50"

}  // namespace llmsweep

// Draws token counts as the spec asks for them. Pure.
#pragma once

#include <cstdint>

#include "llmsweep/base/random.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// At least 1.
int64_t draw_tokens(const TokenCount& count, Random& random);
// The smallest count that can be drawn.
int64_t smallest_tokens(const TokenCount& count);

}  // namespace llmsweep

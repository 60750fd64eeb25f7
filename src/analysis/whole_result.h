// What is compared or judged has to be all of a load. Private to analysis/.
#pragma once

#include "llmsweep/model/result.h"

namespace llmsweep {

// Throws Error for one of several clients' own requests (`run --part`).
void require_whole(const SweepResult& result);

}  // namespace llmsweep

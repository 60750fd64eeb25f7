// What of a spec asks for something of output tokens, where its API generates none.
#pragma once

#include "llmsweep/model/spec.h"

namespace llmsweep {

// Leaves it out and says so in does_not_apply. Nothing of an API that generates.
void leave_out_output(SweepSpec& spec);

}  // namespace llmsweep

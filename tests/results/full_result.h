// A result and a record in which every member differs from its default.
#pragma once

#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

SweepResult full_result();
RequestRecord full_record();

}  // namespace llmsweep

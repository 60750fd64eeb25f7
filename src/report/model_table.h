// The figures of each model, where requests ask for several.
#pragma once

#include <string>

#include "llmsweep/model/result.h"
#include "report/text_table.h"

namespace llmsweep::report {

// A row for each level and model; no rows where there is one model.
TextTable model_table(const SweepResult& result, bool unicode = true);

}  // namespace llmsweep::report

// The figures of each model, where requests ask for several.
#pragma once

#include <string>

#include "llmsweep/model/result.h"
#include "llmsweep/report/table.h"

namespace llmsweep::report {

// A line for each level and model; empty where there is one model.
std::string model_table(const SweepResult& result, const TableStyle& style);

}  // namespace llmsweep::report

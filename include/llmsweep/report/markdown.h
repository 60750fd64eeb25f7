// Results as Markdown for pull requests and CI summaries, and as CSV for spreadsheets.
#pragma once

#include <span>
#include <string>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

// One section a result: marks, system, workload, users sentences, the levels, reasons and warnings.
// Text from outside cannot leave its cell or become markup.
// No `columns`: those that the table of quantities shows by itself.
std::string markdown_report(std::span<const SweepResult> results,
                            std::span<const Measure> columns = {});

// RFC 4180, one line a level of every result, headed by the names of result.json with their units.
// Absent values are empty fields. A text that a spreadsheet would run as a formula gets a leading
// '.
std::string levels_csv(std::span<const SweepResult> results);

}  // namespace llmsweep

// What a reader must know before any number of a comparison or a gate, as sentences. Texts of the
// files are printable.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/analysis/compare.h"

namespace llmsweep {

// Fields that make the requests unlike, one sentence each. `between`: what stands for the two
// sides, "'old' and 'new'".
std::vector<std::string> unlike_notes(const std::vector<FieldReport>& fields,
                                      const std::string& between);
// Simulated, published, imported, preliminary, interrupted.
std::vector<std::string> source_notes(const SweepResult& result);
// Invalid levels, invalid figures and warnings, each with the levels that have it.
std::vector<std::string> level_notes(const SweepResult& result);

}  // namespace llmsweep

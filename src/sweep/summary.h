// The one way from recorded requests to statistics: a run that is under way and `rebuild` both go
// through it, level by level, with the records of one level in memory.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/results/journal.h"

namespace llmsweep {

// The records of a run, by index.
using RunRecords = std::function<std::vector<RequestRecord>(const RunEntry&)>;

// From requests.jsonl. Throws Error where the file does not hold what the journal says.
RunRecords records_in(const std::filesystem::path& requests);

// A level of its ended runs; at least one.
LevelStats summarise_level(const SweepSpec& spec, LoadPoint point,
                           const std::vector<RunEntry>& runs, const RunRecords& records);

// Puts `level` in its place and counts users again.
void put_level(SweepResult& result, const SweepSpec& spec, LevelStats level);

}  // namespace llmsweep

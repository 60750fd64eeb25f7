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
#include "llmsweep/model/telemetry.h"
#include "llmsweep/results/journal.h"

namespace llmsweep {

// The records of a run, by index.
using RunRecords = std::function<std::vector<RequestRecord>(const RunEntry&)>;

// The pages of metrics of a run, as they were read.
using RunPages = std::function<std::vector<PageRead>(const RunEntry&)>;

struct RunFiles {
  RunRecords records;
  RunPages pages;
  std::vector<PowerReading> meter;  // of the sweep's node_power.csv; empty: there is none
};

// From requests.jsonl. Throws Error where the file does not hold what the journal says, or holds
// records that are older than their run.
RunRecords records_in(const std::filesystem::path& requests);
// From telemetry.jsonl; none where there is no such file. Throws Error likewise.
RunPages pages_in(const std::filesystem::path& telemetry);

struct LevelSummary {
  LevelStats level;
  std::vector<ProfileStep> profile;  // of a level of `load.profile`: its steps
};

// A level of its ended runs; at least one.
LevelSummary summarise_level(const SweepSpec& spec, LoadPoint point,
                             const std::vector<RunEntry>& runs, const RunFiles& files);

// Puts the level in its place and counts users again.
void put_level(SweepResult& result, const SweepSpec& spec, LevelSummary summary);

}  // namespace llmsweep

// result.json: a sweep's result, self-contained. Keys and units: docs/result-format.md and
// configs/llmsweep-result.schema.json.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "llmsweep/model/result.h"

namespace llmsweep {

// Numbers that are not finite and percentiles that are absent become null.
std::string result_to_json(const SweepResult& result);

// Throw Error naming file:key. Files come from anywhere: at most 64 MiB and 64 levels of nesting,
// every type and range checked. Keys that are absent or null keep the default of their field, so a
// published result holds what was published and nothing else; unknown keys are ignored. A newer
// schema_version is refused.
SweepResult parse_result(std::string_view text, const std::string& name);
SweepResult read_result(const std::filesystem::path& path);

// All or nothing: a reader sees the old file or the new one. Throws MeasurementError.
void write_result(const std::filesystem::path& path, const SweepResult& result);

}  // namespace llmsweep

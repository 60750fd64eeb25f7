#include "llmsweep/verify/verify_telemetry.h"

#include <algorithm>
#include <optional>

#include "llmsweep/base/error.h"
#include "llmsweep/results/telemetry_file.h"
#include "llmsweep/telemetry/run_telemetry.h"

namespace llmsweep {
namespace {

const RunStats* run_in(const SweepResult& result, const RunId& id) {
  for (const LevelStats& level : result.levels) {
    if (level.point != id.point) continue;
    const auto found = std::find_if(level.runs.begin(), level.runs.end(),
                                    [&](const RunStats& run) { return run.repeat == id.repeat; });
    if (found != level.runs.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> verify_telemetry(const std::filesystem::path& telemetry,
                                          const Journal& journal, const SweepResult& result) {
  std::vector<std::string> problems;
  for (const RunEntry& entry : journal.runs) {
    const RunStats* run = run_in(result, entry.id);
    if (!entry.ended || run == nullptr || entry.pages.begin >= entry.pages.end) continue;
    try {
      RunTelemetry made =
          summarise_telemetry(read_pages(telemetry, entry.pages), result.system.gpus);
      if (run->telemetry) {  // these are of other files as well
        made.answers = run->telemetry->answers;
        made.influence = run->telemetry->influence;
        for (const EnergyReading& energy : run->telemetry->energy) {
          if (energy.basis == EnergyBasis::kNode) made.energy.push_back(energy);
        }
      }
      if (run->telemetry == made) continue;
      problems.push_back(text_of(entry.id) +
                         ": the telemetry in result.json is not that of its pages");
    } catch (const Error& error) {
      problems.push_back(text_of(entry.id) + ": " + error.what());
    }
  }
  return problems;
}

}  // namespace llmsweep

#include "llmsweep/sweep/rebuild.h"

#include <fmt/format.h>

#include <set>

#include "llmsweep/base/error.h"
#include "llmsweep/results/power_file.h"
#include "llmsweep/spec/spec_file.h"
#include "sweep/summary.h"

namespace llmsweep {

Rebuilt rebuild_result(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "sweep.jsonl";
  const Journal journal = read_journal(path);
  if (journal.head.tool.empty()) {
    throw Error({.what = "holds no sweep that can be read",
                 .where = path.string(),
                 .next = "give the folder that 'llmsweep run' wrote"});
  }
  const SweepSpec spec = parse_recorded_spec(journal.head.spec_json, path.string());
  Rebuilt rebuilt{.result = journal.head, .notes = {}};
  rebuilt.result.interrupted = !journal.complete;
  rebuilt.result.stopped_for = journal.stopped_for;
  std::set<LoadPoint> points;
  for (const RunEntry& run : journal.runs) {
    if (run.ended) {
      points.insert(run.id.point);
    } else {
      rebuilt.notes.push_back(
          fmt::format("{} was cut short: its records are in no statistic", text_of(run.id)));
    }
  }
  const RunFiles files = {.records = records_in(folder / "requests.jsonl"),
                          .pages = pages_in(folder / "telemetry.jsonl"),
                          .meter = read_power_readings(folder / kMeterFile)};
  for (const LoadPoint point : points) {
    put_level(rebuilt.result, spec, summarise_level(spec, point, journal.runs, files));
  }
  return rebuilt;
}

}  // namespace llmsweep

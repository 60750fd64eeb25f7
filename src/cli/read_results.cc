#include "cli/read_results.h"

#include <filesystem>

#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/sweep/rebuild.h"

namespace llmsweep {

SweepResult read_result_argument(const std::string& path) {
  std::filesystem::path file = path;
  if (!is_folder(file)) return read_result(file);
  const bool only_records = !there_is(file / "result.json") && there_is(file / "sweep.jsonl");
  return only_records ? rebuild_result(file).result : read_result(file / "result.json");
}

}  // namespace llmsweep

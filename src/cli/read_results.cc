#include "cli/read_results.h"

#include <filesystem>

#include "llmsweep/results/result_file.h"

namespace llmsweep {

SweepResult read_result_argument(const std::string& path) {
  std::filesystem::path file = path;
  if (std::filesystem::is_directory(file)) file /= "result.json";
  return read_result(file);
}

}  // namespace llmsweep

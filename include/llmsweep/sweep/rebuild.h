// result.json of a folder, from its requests.jsonl and sweep.jsonl: what a sweep writes while it
// runs, made anew.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep {

struct Rebuilt {
  SweepResult result;
  std::vector<std::string> notes;  // what a user should know: cut lines, runs that did not end
};

// Runs that were cut short without a word have no client health and are left out. Throws Error
// where the folder does not hold a sweep of this version or its files disagree.
Rebuilt rebuild_result(const std::filesystem::path& folder);

}  // namespace llmsweep

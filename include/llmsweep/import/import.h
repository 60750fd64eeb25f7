// Other tools' result files as results of ours. Formats are recognised, never asked for.
//
// Every figure is converted to the definition of metrics.md or left out; provenance.notes says per
// tool where the figures come from, which definitions differ and what was left out and why.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep {

struct ImportOptions {
  std::string name;                // empty: the first path's stem
  SystemSpec system;               // what is set here wins over what a file says
  PriceSpec prices;                // what the levels' tokens cost is said by these
  std::optional<int> concurrency;  // of files that do not say theirs
  // Runs whose facts have these values only: {"offloading", "none"}.
  std::vector<std::pair<std::string, std::string>> only;
  bool lengths_vary = false;  // levels may be of prompts and answers of other mean lengths
};

// Files and directories of one sweep become one result: a level a concurrency, a run for each file
// of the same concurrency. Directories are searched for files of known formats.
// Errors: an unreadable, broken or unrecognised file (with what is recognised); files of different
// systems, models or workloads (with what differs, as `only` takes it); files that do not say their
// concurrency; no GPU count anywhere.
SweepResult import_results(const std::vector<std::filesystem::path>& paths,
                           const ImportOptions& options = {});

// Scores of a lm-evaluation-harness results file: name and score in [0, 1], in file order. A score
// that is not a share is left out. Throws Error where the file is none.
std::vector<std::pair<std::string, double>> import_quality(const std::filesystem::path& path);

// The formats, one line each, for --help and errors.
const std::vector<std::string>& import_formats();

}  // namespace llmsweep

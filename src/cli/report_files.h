// What `run` and `report` leave beside a result: figures and the HTML report.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/report/html.h"

namespace llmsweep {

// Adds to a page what the files beside the next of its results hold; of one without a folder, and
// of a file that is not there, nothing. Returns how many lines of requests.jsonl could not be read.
int64_t add_run_files(const std::filesystem::path& folder, HtmlInput& input);

// report.html of one run's folder.
void write_run_report(const std::filesystem::path& folder, const SweepResult& result);

}  // namespace llmsweep

// What `run` and `report` leave beside a result: figures and the HTML report.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/report/html.h"

namespace llmsweep {

// The requests of a requests.jsonl, a line at a time; lines that cannot be read are counted.
// No such file: none.
struct RequestSpans {
  std::vector<RequestSpan> spans;
  int64_t unreadable = 0;
};
RequestSpans read_request_spans(const std::filesystem::path& file);

// report.html of one run's folder.
void write_run_report(const std::filesystem::path& folder, const SweepResult& result);

}  // namespace llmsweep

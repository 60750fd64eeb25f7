#include "cli/report_files.h"

#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/results/telemetry_file.h"
#include "llmsweep/telemetry/run_telemetry.h"

namespace llmsweep {

namespace {

// The pages of each run as it was made last: a resume makes one again, beginning with the page
// before it. Of a file that cannot be read none: what follows from it is in result.json.
std::vector<RunGauges> gauges_in(const std::filesystem::path& file) {
  if (!is_file(file)) return {};
  std::map<RunId, std::vector<PageRead>> by_run;
  try {
    const auto size = static_cast<int64_t>(std::filesystem::file_size(file));
    for (PageRead& page : read_pages(file, {.begin = 0, .end = size})) {
      std::vector<PageRead>& pages = by_run[page.run];
      const bool again = !pages.empty() && pages.back().moment != PageMoment::kBefore &&
                         page.moment == PageMoment::kBefore;
      if (again) pages.clear();
      pages.push_back(std::move(page));
    }
  } catch (const Error&) {
    return {};
  }
  std::vector<RunGauges> gauges;
  for (const auto& [run, pages] : by_run) {
    gauges.push_back({.run = run, .tracks = gauge_tracks(pages)});
  }
  return gauges;
}

}  // namespace

int64_t add_run_files(const std::filesystem::path& folder, HtmlInput& input) {
  int64_t unreadable = 0;
  input.gauges.push_back(gauges_in(folder / "telemetry.jsonl"));
  std::vector<RunRequests>& runs = input.requests.emplace_back();
  const std::filesystem::path file = folder / "requests.jsonl";
  if (!is_file(file)) return unreadable;
  RecordReader reader(file);
  while (true) {
    try {
      const std::optional<RequestRecord> record = reader.next();
      if (!record) return unreadable;
      add_request(runs, *record);
    } catch (const Error&) {
      ++unreadable;
    }
  }
}

void write_run_report(const std::filesystem::path& folder, const SweepResult& result) {
  HtmlInput input{.results = {&result, 1}};
  input.result_json = {result_to_json(result)};
  add_run_files(folder, input);
  write_file_atomically(folder / "report.html", html_report(input));
}

}  // namespace llmsweep

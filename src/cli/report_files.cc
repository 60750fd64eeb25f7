#include "cli/report_files.h"

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {

int64_t add_run_files(const std::filesystem::path& folder, HtmlInput& input) {
  int64_t unreadable = 0;
  std::vector<RequestSpan>& spans = input.requests.emplace_back();
  const std::filesystem::path file = folder / "requests.jsonl";
  if (!is_file(file)) return unreadable;
  RecordReader reader(file);
  while (true) {
    try {
      const std::optional<RequestRecord> record = reader.next();
      if (!record) return unreadable;
      spans.push_back(span_of(*record));
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

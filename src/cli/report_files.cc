#include "cli/report_files.h"

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {

RequestSpans read_request_spans(const std::filesystem::path& file) {
  RequestSpans requests;
  if (!is_file(file)) return requests;
  RecordReader reader(file);
  while (true) {
    try {
      const std::optional<RequestRecord> record = reader.next();
      if (!record) return requests;
      requests.spans.push_back(span_of(*record));
    } catch (const Error&) {
      ++requests.unreadable;
    }
  }
}

void write_run_report(const std::filesystem::path& folder, const SweepResult& result) {
  HtmlInput input{.results = {&result, 1}};
  input.result_json = {result_to_json(result)};
  input.requests.push_back(read_request_spans(folder / "requests.jsonl").spans);
  write_file_atomically(folder / "report.html", html_report(input));
}

}  // namespace llmsweep

#include "cli/gate_verdict.h"

#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/report/gate_report.h"

namespace llmsweep {
namespace {

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

// A summary that cannot be written must not change the gate's answer.
void write_step_summary(const GateReport& report, std::ostream& err) {
  const char* path = environment("GITHUB_STEP_SUMMARY");
  if (path == nullptr) return;
  if (there_is(path) && !is_file(path)) {  // a FIFO would be waited for
    err << "warning: no step summary: " << printable(path) << " is not a regular file\n";
    return;
  }
  try {
    std::error_code missing;
    const auto before = std::filesystem::file_size(path, missing);
    const size_t used = missing ? 0 : static_cast<size_t>(before);
    if (used >= kStepSummaryBytes) return;
    AppendFile(path).append(gate_markdown(report, kStepSummaryBytes - used));
  } catch (const Error& error) {
    err << "warning: no step summary: " << error.what() << '\n';
  }
}

}  // namespace

void require_writable(const GateOutputs& outputs) {
  for (const std::string& path : {outputs.json, outputs.junit}) {
    if (!path.empty()) require_writable(std::filesystem::path(path));
  }
}

int deliver_verdict(const GateReport& report, const GateOutputs& outputs, Console& console) {
  using Printed = GateOutputs::Printed;
  const bool aside = outputs.printed == Printed::kTextAside;
  (aside ? console.err : console.out)
      << (outputs.printed == Printed::kJson ? gate_json(report)
                                            : gate_text(report, console.out_style));
  if (!outputs.json.empty()) write_file_atomically(outputs.json, gate_json(report));
  if (!outputs.junit.empty()) write_file_atomically(outputs.junit, gate_junit(report));
  write_step_summary(report, console.err);
  if (environment("GITHUB_ACTIONS") != nullptr) {
    (outputs.printed == Printed::kText ? console.out : console.err) << gate_annotations(report);
  }
  return gate_exit_code(report);
}

}  // namespace llmsweep

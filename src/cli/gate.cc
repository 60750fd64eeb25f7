#include "llmsweep/analysis/gate.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>

#include "cli/commands.h"
#include "cli/read_results.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/report/gate_report.h"

namespace llmsweep {
namespace {

// The policy's rules, then the command line's.
GatePolicy policy_of(const GateCommandOptions& options) {
  GatePolicy policy;
  if (!options.policy.empty()) policy = read_policy_file(options.policy);
  for (const std::string& rule : options.require) policy.rules.push_back(parse_require(rule));
  for (const std::string& rule : options.no_worse) policy.rules.push_back(parse_no_worse(rule));
  for (const std::string& field : options.allow_different) policy.allow_different.push_back(field);
  if (options.inconclusive_is == "pass") policy.inconclusive_is = InconclusiveIs::kPass;
  if (options.inconclusive_is == "fail") policy.inconclusive_is = InconclusiveIs::kFail;
  return policy;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

// A summary that cannot be written must not change the gate's answer.
void write_step_summary(const GateReport& report, std::ostream& err) {
  const char* path = environment("GITHUB_STEP_SUMMARY");
  if (path == nullptr) return;
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

int gate_command(const GateCommandOptions& options, Console& console) {
  const GatePolicy policy = policy_of(options);
  const SweepResult result = read_result_argument(options.result);
  std::optional<SweepResult> baseline;
  if (!options.baseline.empty()) baseline = read_result_argument(options.baseline);
  const GateReport report = gate(result, baseline ? &*baseline : nullptr, policy);
  console.out << gate_text(report, console.out_style);
  if (!options.json.empty()) write_file_atomically(options.json, gate_json(report));
  if (!options.junit.empty()) write_file_atomically(options.junit, gate_junit(report));
  write_step_summary(report, console.err);
  if (environment("GITHUB_ACTIONS") != nullptr) console.out << gate_annotations(report);
  return gate_exit_code(report);
}

}  // namespace llmsweep

#include "llmsweep/analysis/gate.h"

#include <optional>

#include "cli/commands.h"
#include "cli/format_option.h"
#include "cli/gate_verdict.h"
#include "cli/own_input.h"
#include "cli/read_results.h"

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

}  // namespace

int gate_command(const GateCommandOptions& options, Console& console) {
  refuse_own_inputs({options.json, options.junit},
                    {options.result, options.baseline, options.policy});
  const GatePolicy policy = policy_of(options);
  const SweepResult result = read_result_argument(options.result);
  std::optional<SweepResult> baseline;
  if (!options.baseline.empty()) baseline = read_result_argument(options.baseline);
  const bool json = options.format == kJsonFormat;
  return deliver_verdict(
      gate(result, baseline ? &*baseline : nullptr, policy),
      {.json = options.json,
       .junit = options.junit,
       .printed = json ? GateOutputs::Printed::kJson : GateOutputs::Printed::kText},
      console);
}

}  // namespace llmsweep

#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "cli/format_option.h"
#include "cli/gate_verdict.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/analysis/gate.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

// In lines of at most 100 columns.
std::string filled(const std::string& text) {
  constexpr size_t kColumns = 100;
  std::string lines;
  std::string line;
  for (const std::string& word : split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > kColumns) {
      lines += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return lines + line + "\n";
}

struct GateCommandOptions {
  std::string result;
  std::vector<std::string> baselines;
  std::string policy;
  std::vector<std::string> require;
  std::vector<std::string> no_worse;
  std::vector<std::string> allow_different;
  std::string inconclusive_is;  // pass, fail; empty: the policy's
  std::string json;
  std::string junit;
  std::string format = "text";
};

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

int gate_command(const GateCommandOptions& options, Console& console) {
  std::vector<std::string> inputs = options.baselines;
  inputs.insert(inputs.end(), {options.result, options.policy});
  refuse_own_inputs({options.json, options.junit}, inputs);
  const GatePolicy policy = policy_of(options);
  const SweepResult result = read_side(options.result);
  std::vector<SweepResult> baselines;
  for (const std::string& path : options.baselines) {
    baselines.push_back(read_side(path));
  }
  const bool json = options.format == kJsonFormat;
  return deliver_verdict(
      gate(result, baselines, policy),
      {.json = options.json,
       .junit = options.junit,
       .printed = json ? GateOutputs::Printed::kJson : GateOutputs::Printed::kText},
      console);
}

}  // namespace

void add_gate(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<GateCommandOptions>();
  CLI::App* command = app.add_subcommand("gate", "Decide rules on a result: PASS, FAIL, …");
  command->add_option("RESULT", options->result, "result.json or its folder")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--baseline", options->baselines,
                   "What --no-worse compares with; several: one of each session (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--policy", options->policy, "Rules in YAML")->type_name("FILE");
  command->add_option("--require", options->require, "A rule: 'e2e:p50@c8 <= 15s' (repeatable)")
      ->type_name("RULE")
      ->allow_extra_args(false);
  command->add_option("--no-worse", options->no_worse, "A rule: 'e2e:p50@c8 by 3%' (repeatable)")
      ->type_name("RULE")
      ->allow_extra_args(false);
  command
      ->add_option("--inconclusive-is", options->inconclusive_is,
                   "What INCONCLUSIVE counts as: pass or fail; else exit code 11")
      ->check(CLI::IsMember({"pass", "fail"}));
  command
      ->add_option("--allow-different", options->allow_different,
                   "Accept a baseline that differs in this: " + join(comparable_fields(), ", "))
      ->type_name("FIELD")
      ->allow_extra_args(false);
  command->add_option("--json", options->json, "Write the report as JSON")->type_name("FILE");
  command->add_option("--junit", options->junit, "Write the report as JUnit XML")
      ->type_name("FILE");
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep gate results/nightly --policy policy.yaml --junit gate.xml\n"
      "  llmsweep gate new.json --baseline old.json --no-worse 'e2e:p50@c8 by 3%'\n"
      "  llmsweep gate new.json --require 'users_per_gpu@e2e:p50:15s >= 2'\n\n" +
      filled("Rules name " + join(gate_quantities(), ", ") +
             ":NAME; a latency with :p50, :p90, :p95, :p99 or :mean. See docs/ci.md.") +
      "Exit codes: 0 PASS, 10 FAIL, 11 INCONCLUSIVE, 12 INVALID. In GitHub Actions the step\n"
      "summary and annotations are written too.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return gate_command(*options, console); };
  });
}

}  // namespace llmsweep

#include "cli/analysis_commands.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

void add_compare(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CompareCommandOptions>();
  CLI::App* command = app.add_subcommand("compare", "Compare results with a baseline");
  command->add_option("BASELINE", options->baseline, "result.json or its folder")->required();
  command->add_option("CANDIDATE", options->candidates, "One or more, each against the baseline")
      ->required();
  command->add_option("--target", options->targets, "Users per GPU at e2e:p50:15s (repeatable)")
      ->type_name("METRIC:STATISTIC:TIME")
      ->allow_extra_args(false);
  command->add_option("--format", options->format, "table, markdown, json or csv")
      ->check(CLI::IsMember({"table", "markdown", "json", "csv"}))
      ->capture_default_str();
  command
      ->add_option("--allow-different", options->allow_different,
                   "Compare although this differs: " + join(comparable_fields(), ", "))
      ->type_name("FIELD")
      ->allow_extra_args(false);
  command
      ->add_option("--min-effect", options->min_effect_percent,
                   "Changes below this many percent are no difference")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->add_option("--figure", options->figure, "Draw the curves of all results (SVG)");
  command->footer(
      "Examples:\n"
      "  llmsweep compare results/h200 results/gb200 --target e2e:p50:15s\n"
      "  llmsweep compare main.json branch.json --format markdown > comment.md\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return compare_command(*options, console); };
  });
}

void add_gate(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<GateCommandOptions>();
  CLI::App* command = app.add_subcommand("gate", "Decide rules on a result: PASS, FAIL, …");
  command->add_option("RESULT", options->result, "result.json or its folder")->required();
  command->add_option("--baseline", options->baseline, "What --no-worse compares with");
  command->add_option("--policy", options->policy, "Rules in YAML");
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
  command->add_option("--json", options->json, "Write the report as JSON");
  command->add_option("--junit", options->junit, "Write the report as JUnit XML");
  command->footer(
      "Examples:\n"
      "  llmsweep gate results/nightly --policy policy.yaml --junit gate.xml\n"
      "  llmsweep gate new.json --baseline old.json --no-worse 'e2e:p50@c8 by 3%'\n"
      "  llmsweep gate new.json --require 'users_per_gpu@e2e:p50:15s >= 2'\n\n"
      "Rules name e2e, ttft, ttfo, tpot, itl or icl with p50, p90, p95, p99 or mean, throughput,\n"
      "steady_throughput, throughput_per_gpu, request_throughput, output_speed, decode_speed,\n"
      "error_rate, goodput, goodput_rps, users, users_per_gpu, quality:NAME; see docs/ci.md.\n"
      "Exit codes: 0 PASS, 10 FAIL, 11 INCONCLUSIVE, 12 INVALID. In GitHub Actions the step\n"
      "summary and annotations are written too.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return gate_command(*options, console); };
  });
}

}  // namespace llmsweep

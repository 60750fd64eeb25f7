#include "cli/analysis_commands.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/format_option.h"
#include "cli/sharing.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/text.h"
#include "llmsweep/results/import.h"

namespace llmsweep {

void add_compare(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CompareCommandOptions>();
  CLI::App* command = app.add_subcommand("compare", "Compare results with a baseline");
  command->add_option("BASELINE", options->baseline, "result.json or its folder")
      ->type_name("FILE")
      ->required();
  command->add_option("CANDIDATE", options->candidates, "One or more, each against the baseline")
      ->type_name("FILE")
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
                   "Changes shown to be below this many percent are no difference")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->add_option("--figure", options->figure, "Draw the curves of all results (SVG)")
      ->type_name("FILE");
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
  command->add_option("RESULT", options->result, "result.json or its folder")
      ->type_name("FILE")
      ->required();
  command->add_option("--baseline", options->baseline, "What --no-worse compares with")
      ->type_name("FILE");
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

void add_import(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ImportCommandOptions>();
  CLI::App* command =
      app.add_subcommand("import", "Make a result of other tools' files, or attach scores");
  command
      ->add_option("PATH", options->paths,
                   "Files or folders of one sweep; or, with --quality, a result.json")
      ->type_name("FILE")
      ->required();
  command->add_option("-o,--out", options->out, "Result file to write")
      ->type_name("FILE")
      ->required();
  command->add_option("--system", options->system, "Spec whose 'system' part describes the system")
      ->type_name("FILE");
  command->add_option("--gpus", options->gpus, "GPUs of the system")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--accelerator", options->accelerator, "Such as H200");
  command->add_option("--precision", options->precision, "Such as FP8");
  command->add_option("--concurrency", options->concurrency, "Of files that do not say theirs")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--name", options->name, "Name of the result");
  command
      ->add_option("--quality", options->quality,
                   "Attach the scores of a lm-evaluation-harness results file")
      ->type_name("FILE");
  add_format(*command, options->format);
  std::string formats = "Recognised by content:\n";
  for (const std::string& format : import_formats()) formats += "  " + format + "\n";
  command->footer(
      formats +
      "\nExamples:\n"
      "  llmsweep import vllm-c1.json vllm-c8.json --gpus 8 -o h200.json\n"
      "  llmsweep import artifacts/ --system spec.yaml -o result.json\n"
      "  llmsweep import results/h200 --quality lm_eval.json -o h200-with-quality.json\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return import_command(*options, console); };
  });
}

void add_export(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ExportCommandOptions>();
  CLI::App* command = app.add_subcommand("export", "Write a result in another tool's format");
  command->add_option("RESULT", options->result, "result.json or its folder")
      ->type_name("FILE")
      ->required();
  command->add_option("--as", options->as, "vllm-json, csv or llm-d-report")
      ->required()
      ->check(CLI::IsMember({"vllm-json", "csv", "llm-d-report"}));
  command->add_option("-o,--out", options->out, "File to write; else standard output")
      ->type_name("FILE");
  add_share(*command, options->share);
  command->footer("Example:\n  llmsweep export results/h200 --as csv > levels.csv\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return export_command(*options, console); };
  });
}

}  // namespace llmsweep

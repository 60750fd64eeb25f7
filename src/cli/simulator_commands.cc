#include "cli/simulator_commands.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/format_option.h"
#include "llmsweep/simulator/fit.h"

namespace llmsweep {

void add_verify(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<VerifyCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "verify", "Hold a run's records against the truth log of the simulated endpoint");
  command->add_option("RESULT", options->result, "The run's folder, or its requests.jsonl")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--truth", options->truth,
                   "What `simulate --log` wrote; else truth.jsonl beside the records, which a run "
                   "with endpoint.simulator leaves")
      ->type_name("FILE");
  command->add_option("--tolerance", options->tolerance, "How late a stamp may be")
      ->type_name("TIME")
      ->capture_default_str();
  command
      ->add_option("--kill-margin", options->kill_margin,
                   "What the host may add to the 20 ms within which a record is written: what "
                   "ended earlier before a kill and has no record is lost")
      ->type_name("TIME")
      ->capture_default_str();
  add_format(*command, options->format);
  command->footer(
      "Example:\n"
      "  llmsweep simulate configs/simulators/toy.yaml --port 8000 --log truth.jsonl &\n"
      "  llmsweep run spec.yaml --set endpoint.url=http://127.0.0.1:8000/v1\n"
      "  llmsweep verify results/NAME --truth truth.jsonl\n"
      "  llmsweep verify results/NAME        # of a run with endpoint.simulator\n\n"
      "Exits with 1 on any lost or invented request or token, wrong outcome, or stamp that is\n"
      "early or too late. Errors in TTFT, E2E and chunk gaps are printed as distributions.\n"
      "See docs/simulator.md.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return verify_command(*options, console); };
  });
}

void add_calibrate(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CalibrateCommandOptions>();
  CLI::App* command =
      app.add_subcommand("calibrate", "Fit a simulator profile to a result or to published points");
  std::vector<std::string> names;
  for (FitParameter parameter : {FitParameter::kBase, FitParameter::kPerPrefillToken,
                                 FitParameter::kPerSequence, FitParameter::kPerKvToken}) {
    names.emplace_back(name_of(parameter));
  }
  command
      ->add_option("INPUT", options->inputs,
                   "Results (result.json or its folder) of one system, or one file of points as in "
                   "configs/simulators/inputs")
      ->type_name("FILE")
      ->required();
  command->add_option("-o,--output", options->output, "Where the profile goes; else to stdout")
      ->type_name("FILE");
  command
      ->add_option("--start", options->start,
                   "A profile whose other settings are kept (dialect, tokens a step, …)")
      ->type_name("FILE");
  command
      ->add_option("--fit", options->parameters,
                   "Fit this cost (repeatable; else what the "
                   "points can tell apart)")
      ->check(CLI::IsMember(names))
      ->allow_extra_args(false);
  command
      ->add_option("--max-error", options->max_error_percent,
                   "Refuse a fit with a mean error above this many percent")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  llmsweep calibrate results/h200 -o h200.yaml\n"
      "  llmsweep calibrate results/h200-short results/h200-long -o h200.yaml\n"
      "  llmsweep calibrate configs/simulators/inputs/gb200-nvfp4.yaml -o gb200.yaml\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return calibrate_command(*options, console); };
  });
}

}  // namespace llmsweep

#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>

#include "cli/interrupt_listener.h"
#include "cli/one_line.h"
#include "cli/wait_option.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/exit_code.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

struct InitOptions {
  std::string url;
  std::vector<std::string> sets;
  OneLine one_line;
  std::string wait;
};

int init_command(const InitOptions& options, Console& console) {
  if (!is_url(options.url)) {
    throw Error({.what = "'" + printable(options.url) + "' is no URL",
                 .where = "URL",
                 .next = "as in llmsweep init http://localhost:8000/v1 > spec.yaml"});
  }
  const InterruptListener interrupts;
  Completed completed = complete_one_line(options.url, options.one_line, options.sets,
                                          interrupts.count(), patience_of(options.wait), console);
  for (const std::string& line : completed.preflight.provenance.notes) {
    console.err << "note: " << printable(line, 500) << '\n';
  }
  // Nobody waits for the run of a spec that is written down.
  LoadSpec& load = completed.spec.load;
  load.repeats = std::max(load.repeats, std::exchange(load.repeats_max, 0));
  console.out << spec_to_yaml(completed.spec);
  return kExitOk;
}

}  // namespace

void add_init(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = app.add_subcommand(
      "init", "Write the run spec that 'llmsweep run URL' would run, with comments");
  command->add_option("URL", options->url, "Base URL of the endpoint")
      ->type_name("URL")
      ->required();
  command->add_option("--set", options->sets, "Set a key: load.repeats=1 (repeatable)")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
  add_one_line(*command, options->one_line);
  add_wait(*command, options->wait);
  command->footer(
      "Example:\n"
      "  llmsweep init http://localhost:8000/v1 --gpus 8 > spec.yaml\n"
      "  llmsweep run spec.yaml\n\n"
      "Asks the endpoint for its model and whether it counts tokens, as 'llmsweep check' does.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return init_command(*options, console); };
  });
}

}  // namespace llmsweep

#include "cli/spec_option.h"

#include <CLI/CLI.hpp>

#include "llmsweep/spec/spec_file.h"
#include "llmsweep/trace/replay_trace.h"

namespace llmsweep {

SweepSpec load_run_spec(const std::string& path, const std::vector<std::string>& sets) {
  SweepSpec spec = load_spec(path, sets);
  load_trace(spec);
  return spec;
}

void add_spec(CLI::App& command, std::string& spec, std::vector<std::string>& sets) {
  command.add_option("SPEC", spec, "Run spec, YAML or JSON; - for standard input")
      ->type_name("FILE")
      ->required();
  command.add_option("--set", sets, "Override a key: load.repeats=1 (repeatable)")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
}

}  // namespace llmsweep

#include "cli/wait_option.h"

#include <CLI/CLI.hpp>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

void add_wait(CLI::App& command, std::string& wait) {
  command
      .add_option("--wait", wait,
                  "How long the check before a run waits for an endpoint that is loading,\n"
                  "limits requests (2m unless given), or does not listen yet, behind a proxy\n"
                  "(502, 504) too (0s)")
      ->type_name("DURATION");
}

Patience patience_of(const std::string& wait) {
  if (wait.empty()) return {};
  const std::optional<Duration> longest = parse_duration(wait);
  if (!longest || longest->count() < 0) {
    throw Error({.what = "'" + printable(wait) + "' is not a duration",
                 .where = "--wait",
                 .next = "write it with a unit, as in 5m or 30s; 0s does not wait"});
  }
  return {.busy = *longest, .absent = *longest};
}

}  // namespace llmsweep

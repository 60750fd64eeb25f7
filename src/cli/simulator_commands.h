// The commands that hold results against the simulated endpoint: verify, calibrate.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/analysis_commands.h"
#include "cli/console.h"

namespace llmsweep {

struct VerifyCommandOptions {
  std::string result;  // a run's folder, or its requests.jsonl
  std::string truth;   // empty: truth.jsonl beside the records
  std::string tolerance = "100ms";
  std::string kill_margin = "20ms";  // KillWindow::kMargin
  std::string format = "text";
};
// 0 where everything agrees, 1 where anything does not.
int verify_command(const VerifyCommandOptions& options, Console& console);

struct CalibrateCommandOptions {
  std::vector<std::string> inputs;  // results, whose levels are taken together; or a file of points
  std::string output;               // empty: standard output
  std::string start;  // a profile whose other settings are kept; empty: derived from the result
  std::vector<std::string> parameters;
  double max_error_percent = 10;
};
// 1 where the fit is poorer than allowed; no profile is written then.
int calibrate_command(const CalibrateCommandOptions& options, Console& console);

void add_verify(CLI::App& app, Command& chosen);
void add_calibrate(CLI::App& app, Command& chosen);

}  // namespace llmsweep

// --part, --start-at and --every of `run`, and what says in the environment which of several
// clients this is.
#pragma once

#include <optional>
#include <string>

#include "llmsweep/report/progress.h"
#include "llmsweep/sweep/part_plan.h"

namespace CLI {
class App;
}

namespace llmsweep {

struct PartOptions {
  std::string part;  // "r/N", "auto", "auto/N"; empty: the only client
  std::string start_at;
  std::string every;
};

void add_part(CLI::App& command, PartOptions& options);

// Absent: the only client. Throws Error for what is no part, time or duration, for a start that is
// over, where `auto` finds nothing, and where Slurm started several of us that all believe to be
// the only one, or another than --part says.
std::optional<PartPlan> part_plan(const PartOptions& options, const GetEnv& get_env);

}  // namespace llmsweep

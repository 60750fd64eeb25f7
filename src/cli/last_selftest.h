// Where the last self-test of this user is kept, and what it says of a planned run.
#pragma once

#include <string>

#include "cli/console.h"
#include "llmsweep/model/selftest_result.h"
#include "llmsweep/report/selftest_table.h"

namespace llmsweep {

// A file that cannot be written is a warning on standard error: the test itself was made.
void keep_selftest(const Selftest& selftest, Console& console);

// Holds the plan against the last one that was made on this machine.
std::string last_selftest_says(const PlannedLoad& planned);

}  // namespace llmsweep

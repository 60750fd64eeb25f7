// A self-test as text. Pure.
#pragma once

#include <optional>
#include <string>

#include "llmsweep/model/selftest_result.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

// One row a load, then what they come to.
std::string selftest_table(const Selftest& selftest, const TableStyle& style);

// "This machine can be trusted up to 512 streams at 51,200 chunks/s …"; no newline.
std::string selftest_verdict(const Selftest& selftest);

// One sentence that holds the plan against the last self-test; `last` is absent where none was made
// on this machine.
std::string selftest_sentence(const std::optional<Selftest>& last, const PlannedLoad& planned);

}  // namespace llmsweep

// The parts of a gate's line as text. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/analysis/gate.h"

namespace llmsweep::report {

std::string rule_title(const GateLine& line);     // its name, else its text; printable
std::string measured_text(const GateLine& line);  // "14,716 ms [14,690, 14,742]"; "no value"
std::string limit_text(const GateLine& line);     // "limit 15,000 ms"
std::string margin_text(const GateLine& line);    // "margin 1.9 %"; empty: none
// Everything after the outcome and the rule: values, basis, why, what to do.
std::string details_text(const GateLine& line);
std::string verdict_text(const GateReport& report);  // "gate FAIL: 1 FAIL, 2 PASS"

// The worst first, in the order of the rules inside one outcome.
std::vector<const GateLine*> worst_first(const GateReport& report);

}  // namespace llmsweep::report

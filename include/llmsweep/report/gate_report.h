// A gate's report for people, scripts, CI servers and GitHub. Pure; text from outside is escaped
// for where it goes.
#pragma once

#include <cstddef>
#include <string>

#include "llmsweep/analysis/gate.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

constexpr size_t kStepSummaryBytes = size_t{1} << 20;  // what GitHub takes of one step
constexpr int kAnnotationsOfAKind = 10;                // what GitHub shows of one step

// One line a rule: outcome, rule, measured value, interval, limit, margin, how it was decided, why
// and what to do. The last line is the verdict. Lines are not wrapped.
std::string gate_text(const GateReport& report, const TableStyle& style);

// One object; keys are the members' names.
std::string gate_json(const GateReport& report);

// JUnit XML: one suite, one test case a rule. FAIL is a failure, INVALID an error; INCONCLUSIVE is
// a failure, or skipped where the policy lets it pass.
std::string gate_junit(const GateReport& report);

// Markdown for $GITHUB_STEP_SUMMARY, the worst rules first, at most `max_bytes`: rules that do not
// fit are counted.
std::string gate_markdown(const GateReport& report, size_t max_bytes = kStepSummaryBytes);

// Workflow commands, one a line: ::error for FAIL and INVALID, ::warning for INCONCLUSIVE. More
// than ten of a kind: the tenth says how many are left out. All PASS: empty.
std::string gate_annotations(const GateReport& report);

}  // namespace llmsweep

// What is said of sessions, of users or of a trace. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/report/table.h"

namespace llmsweep::report {

// " who think 19.5 s", behind a number of users: without it the number says nothing. Empty: the
// result's users have no sessions.
std::string thinking_text(const SweepResult& result);

// For each level with sessions what a terminal says of it, without a full stop; and its turns, a
// line each, below the titles. Empty: there are none.
std::vector<std::string> session_sentences(const SweepResult& result);
std::vector<std::vector<std::string>> turn_lines(const SweepResult& result);

// A sentence or two for each level, and a table of its turns; empty: there are no sessions.
std::string session_text(const SweepResult& result, const TableStyle& style);

}  // namespace llmsweep::report

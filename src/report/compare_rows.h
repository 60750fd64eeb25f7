// What every rendering of a comparison shows, chosen once: tables of plain text. Private to
// report/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "llmsweep/analysis/compare.h"
#include "report/cells.h"
#include "report/text_table.h"

namespace llmsweep::report {

// One table for each of `measures`; only tables that have rows.
std::vector<TextTable> tables_of(const Comparison& comparison, const std::vector<Measure>& measures,
                                 bool unicode);
// The levels in one table, and what differs.
std::vector<TextTable> short_tables_of(const Comparison& comparison, bool unicode);
// Every candidate against the baseline, one row each.
TextTable summary_of(std::span<const Comparison> comparisons, bool unicode);
// "model X, seed 1": the fields that both files give alike; empty: none.
std::string same_fields(const Comparison& comparison);

// "2.54×", "16×", "≥ 4×"; ASCII without `unicode`.
std::string times_text(double ratio, RatioKind kind, bool unicode);
// Empty: not one of the rows that carry a verdict. `valid`: both levels are.
std::string verdict_text(const Ratio& ratio, bool valid);
// Of two sides of `llmsweep versus` how they were compared; how many rows carry a verdict, and how
// many of them chance would make differ. Empty: neither of both.
std::string family_text(const Comparison& comparison);

}  // namespace llmsweep::report

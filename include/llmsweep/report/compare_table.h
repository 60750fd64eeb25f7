// Comparisons as text. Pure; names from outside are escaped for where they go.
//
// Several comparisons share their baseline: a summary of all comes first, then each by itself.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "llmsweep/analysis/compare.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

// "at 15,000 ms p50 E2E: 8 users on 4 GPUs against 1 on 8: 2 against 0.125 users per GPU, 16×", the
// candidate first. Names are not in it.
std::vector<std::string> headline_sentences(const Comparison& comparison, bool unicode = true);

// Short: what was found, one table of the levels, and what differs between the sides.
enum class CompareView { kShort, kFull };
std::string comparison_table(std::span<const Comparison> comparisons, const TableStyle& style,
                             CompareView view = CompareView::kFull);
std::string comparison_markdown(std::span<const Comparison> comparisons,
                                std::span<const Measure> columns = {});
// An array of objects; keys are the members' names.
std::string comparison_json(std::span<const Comparison> comparisons);
// RFC 4180, one line a figure: a level's, users at a target, throughput at equal latency, weights,
// quality.
std::string comparison_csv(std::span<const Comparison> comparisons);

}  // namespace llmsweep

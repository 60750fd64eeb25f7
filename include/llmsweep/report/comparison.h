// Comparisons of sweeps as text: for a terminal, Markdown and CSV. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "llmsweep/analysis/compare.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

// What a reader should take away, one sentence each: "at 15,000 ms p50 E2E: 2.00 against 0.125
// users per GPU, 16.0×", "latency at concurrency 1: 2.54× lower (95 % interval between runs …)".
std::vector<std::string> comparison_sentences(const Comparison& comparison);

// The compatibility report, notes, levels with ratios, intervals and verdicts, users at each target,
// throughput at equal latency, weights, quality, sentences. Several: one after the other, then a
// table of the headline ratios against the one baseline.
std::string comparison_table(std::span<const Comparison> comparisons, const TableStyle& style);
std::string comparison_markdown(std::span<const Comparison> comparisons);

// One line a level of every comparison.
std::string comparison_csv(std::span<const Comparison> comparisons);

}  // namespace llmsweep

// One rule on one level, or on the whole result: a line of the gate's report.
#pragma once

#include <span>

#include "llmsweep/analysis/gate.h"

namespace llmsweep {

struct GateInput {
  const SweepResult& result;
  std::span<const SweepResult> baselines;  // each another session; the last stands for one alone
  const GatePolicy& policy;

  const SweepResult* baseline() const { return baselines.empty() ? nullptr : &baselines.back(); }
};

// `p_worse` is of a no-worse line on a level, for Holm's correction; else 1.
struct DecidedLine {
  GateLine line;
  double p_worse = 1;
};

DecidedLine decide_level(const GateInput& input, const GateRule& rule, LoadPoint point);
GateLine decide_users(const GateInput& input, const GateRule& rule);
GateLine decide_quality(const GateInput& input, const GateRule& rule);

// A line with nothing measured yet.
GateLine line_of(const GateRule& rule);
GateLine invalid_line(const GateRule& rule, std::string why, std::string next);

}  // namespace llmsweep

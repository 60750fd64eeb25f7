#include "sweep/lengths_likely.h"

#include <algorithm>

namespace llmsweep {

int64_t largest_likely(const TokenCount& count, double max_error_rate) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return count.max;
    case TokenCount::Kind::kNormal:
      // More than max_error_rate of the distribution would be beyond it.
      return static_cast<int64_t>(count.mean + (max_error_rate <= 0.01 ? 2.33
                                                : max_error_rate < 0.5 ? 1.0
                                                                       : 0.0) *
                                                   count.stddev.value_or(0));
    case TokenCount::Kind::kWeighted: {
      int64_t most = 0;
      for (const auto& [tokens, weight] : count.weighted) most = std::max(most, tokens);
      return most;
    }
  }
  return 0;
}

int64_t largest_likely_prompt(const WorkloadSpec& workload, double max_error_rate) {
  if (!workload.input_tokens) return 0;
  const int64_t first = largest_likely(*workload.input_tokens, max_error_rate);
  const SessionSpec& sessions = workload.sessions;
  if (!sessions.wanted()) return first;
  const int64_t turns_before =
      std::max<int64_t>(1, largest_likely(sessions.turns, max_error_rate)) - 1;
  return sessions.system_tokens + first +
         turns_before * (largest_likely(workload.output_tokens, max_error_rate) +
                         largest_likely(sessions.later_input_tokens(), max_error_rate));
}

std::optional<int64_t> fewest_planned(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return count.min;
    case TokenCount::Kind::kNormal:
      return std::nullopt;
    case TokenCount::Kind::kWeighted: {
      std::optional<int64_t> fewest;
      for (const auto& [tokens, weight] : count.weighted) {
        fewest = std::min(fewest.value_or(tokens), tokens);
      }
      return fewest;
    }
  }
  return std::nullopt;
}

}  // namespace llmsweep

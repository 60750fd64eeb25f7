// Why requests failed, each reason once, for whoever reads a result. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"

namespace llmsweep {

// Of the measured requests that failed: the most frequent first, five at most. Reasons that differ
// only in words with a digit in them (ids, times, counts) are one, with the text that came first.
std::vector<ErrorCount> count_errors(std::span<const RequestRecord> records);

// A reason and the levels where it came, their counts added up.
struct FailureReason {
  ErrorCount error;
  std::vector<LoadPoint> levels;
};
// Of the whole result, the most frequent first, five at most.
std::vector<FailureReason> failures_of(const SweepResult& result);

}  // namespace llmsweep

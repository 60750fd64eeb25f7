// The prompts that a run of recorded traffic asks for, by arrival. A block that two rows of a run
// share has one number, which no other run and no other copy of the trace has. One thread an
// object.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llmsweep/model/arrival.h"
#include "llmsweep/model/prompt_shape.h"
#include "llmsweep/model/recorded_trace.h"

namespace llmsweep {

class TraceShapes {
 public:
  // Arrival i is prompt number first_prompt + i of the sweep. `replay` must outlive it.
  TraceShapes(const ReplayTrace& replay, std::vector<TraceRow> rows, int64_t first_prompt)
      : replay_(replay), rows_(std::move(rows)), first_prompt_(first_prompt) {}

  // Of the next `count` arrivals, fewer at the end.
  std::vector<PromptShape> next(size_t count);
  // The prompt number of the first of them.
  int64_t next_prompt() const { return first_prompt_ + static_cast<int64_t>(taken_); }

 private:
  PromptShape shape_of(const TraceRow& row);

  const ReplayTrace& replay_;
  std::vector<TraceRow> rows_;
  int64_t first_prompt_;
  size_t taken_ = 0;
  std::unordered_map<uint64_t, uint64_t> numbers_;  // of (copy, id)
};

// Of the trace's first rows, as they are in no copy.
std::vector<PromptShape> first_shapes(const ReplayTrace& replay, size_t count);

}  // namespace llmsweep

#include "sweep/trace_shapes.h"

#include <algorithm>
#include <utility>

namespace llmsweep {

std::vector<PromptShape> TraceShapes::next(size_t count) {
  std::vector<PromptShape> shapes;
  for (; count > 0 && taken_ < rows_.size(); --count) {
    shapes.push_back(shape_of(rows_[taken_]));
    ++taken_;
  }
  return shapes;
}

// A block's number is that of the prompt that has it first and its place there: so many blocks lie
// between two prompts at most.
PromptShape TraceShapes::shape_of(const TraceRow& row) {
  const TraceRequest& request = replay_.trace.requests[row.row];
  PromptShape shape{.input_tokens = request.input_tokens,
                    .output_tokens = request.output_tokens,
                    .blocks = {},
                    .block_tokens = replay_.trace.block_tokens};
  uint64_t fresh = static_cast<uint64_t>(next_prompt()) * replay_.most_blocks;
  for (const uint32_t id : replay_.trace.blocks_of(row.row)) {
    const auto [found, is_fresh] = numbers_.emplace(uint64_t{row.copy} << 32 | id, fresh);
    if (is_fresh) ++fresh;
    shape.blocks.push_back(found->second);
  }
  return shape;
}

std::vector<PromptShape> first_shapes(const ReplayTrace& replay, size_t count) {
  std::vector<TraceRow> rows;
  for (uint32_t row = 0; row < std::min(count, replay.trace.requests.size()); ++row) {
    rows.push_back({.row = row});
  }
  return TraceShapes(replay, std::move(rows), 0).next(count);
}

}  // namespace llmsweep

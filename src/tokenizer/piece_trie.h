// Which of many pieces a text begins with.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"

namespace llmsweep {

class PieceTrie {
 public:
  static constexpr int32_t kNone = -1;

  PieceTrie() { root_.fill(kNone); }
  // `piece` is not empty; of two that are the same the last one counts.
  void add(std::string_view piece, int32_t id);
  // A walk along a text: from kRoot on, byte by byte; kNone: no piece goes on like this.
  static constexpr int32_t kRoot = 0;
  int32_t next(int32_t node, char byte) const {
    const auto value = static_cast<unsigned char>(byte);
    if (node == kRoot) return root_[value];
    const MergeTable::Merge edge = edges_.find(node, value);
    return edge.rank == MergeTable::kNever ? kNone : edge.id;
  }
  int32_t id_at(int32_t node) const { return ids_[static_cast<size_t>(node)]; }  // kNone: no end
  // Of the longest piece that `text` begins with; 0: there is none.
  size_t longest_prefix(std::string_view text) const;

 private:
  std::array<int32_t, 256> root_;
  MergeTable edges_;                    // of a node and a byte
  std::vector<int32_t> ids_ = {kNone};  // by node
};

}  // namespace llmsweep

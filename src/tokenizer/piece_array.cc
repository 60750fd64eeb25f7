#include "tokenizer/piece_array.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace llmsweep {

// Lays out one node after the other, depth first, so that a walk stays near where it is. Slots come
// in blocks of 256, and children are looked for in the last blocks only. A free slot has the label
// that it would have below a base which no node has: the first slot of its block.
class PieceArrayBuilder {
 public:
  PieceArrayBuilder(const std::vector<WeightedPiece>& pieces, PieceArray& array)
      : pieces_(pieces), array_(array) {}

  void build() {
    add_block();
    used_bases_[kNoChildren] = true;
    std::vector<Range> open;
    array_.root_.base = place_children({0, pieces_.size(), 0}, open);
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      const uint32_t base = place_children(range, open);
      array_.nodes_[range.slot].base = base;
    }
  }

 private:
  static constexpr uint32_t kBlock = 256;
  static constexpr uint32_t kOpenBlocks = 16;
  static constexpr uint32_t kNoChildren = 1;  // the base of a node without any
  static constexpr uint32_t kNone = UINT32_MAX;

  // The pieces that go through a node, which is `depth` bytes long and at `slot`.
  struct Range {
    size_t begin;
    size_t end;
    size_t depth;
    uint32_t slot = 0;
  };

  unsigned char byte_of(size_t piece, size_t depth) const {
    return static_cast<unsigned char>(pieces_[piece].text[depth]);
  }

  // The base of its children, whose ranges are added to `open`.
  uint32_t place_children(Range range, std::vector<Range>& open) {
    while (range.begin < range.end && pieces_[range.begin].text.size() == range.depth) {
      ++range.begin;  // ends here
    }
    children_.clear();
    for (size_t i = range.begin; i < range.end; ++i) {
      const unsigned char byte = byte_of(i, range.depth);
      if (children_.empty() || children_.back().first != byte) children_.emplace_back(byte, i);
    }
    if (children_.empty()) return kNoChildren;
    const uint32_t base = find_base();
    used_bases_[base] = true;
    for (size_t i = children_.size(); i-- > 0;) {
      const auto [byte, begin] = children_[i];
      const size_t end = i + 1 < children_.size() ? children_[i + 1].second : range.end;
      take(base ^ byte, byte);
      end_piece(array_.nodes_[base ^ byte], begin, end, range.depth + 1);
      open.push_back({begin, end, range.depth + 1, base ^ byte});
    }
    return base;
  }

  void end_piece(PieceArray::Node& node, size_t begin, size_t end, size_t size) const {
    for (size_t i = begin; i < end && pieces_[i].text.size() == size; ++i) {
      node.id_plus_one = static_cast<uint32_t>(pieces_[i].id + 1) & 0xFFFFFF;
      node.score = pieces_[i].score;
    }
  }

  uint32_t find_base() {
    for (uint32_t slot = first_free_; slot != kNone; slot = next_free_[slot]) {
      const uint32_t base = slot ^ children_.front().first;
      if (fits(base)) return base;
    }
    add_block();
    auto base = static_cast<uint32_t>(array_.nodes_.size()) - kBlock + 1;
    while (!fits(base)) ++base;
    return base;
  }

  bool fits(uint32_t base) const {
    if (base % kBlock == 0 || used_bases_[base]) return false;
    return std::all_of(children_.begin(), children_.end(),
                       [&](const auto& child) { return is_free_[base ^ child.first]; });
  }

  void add_block() {
    const auto begin = static_cast<uint32_t>(array_.nodes_.size());
    const uint32_t end = begin + kBlock;
    array_.nodes_.resize(end);
    is_free_.resize(end, true);
    used_bases_.resize(end, false);
    next_free_.resize(end, kNone);
    last_free_.resize(end, kNone);
    for (uint32_t slot = begin; slot < end; ++slot) {
      array_.nodes_[slot].label = slot % kBlock;
      last_free_[slot] = end_of_free_;
      (end_of_free_ == kNone ? first_free_ : next_free_[end_of_free_]) = slot;
      end_of_free_ = slot;
    }
    if (end <= kOpenBlocks * kBlock) return;
    const uint32_t closed = end - (kOpenBlocks + 1) * kBlock;
    for (uint32_t slot = closed; slot < closed + kBlock; ++slot) {
      if (is_free_[slot]) unlink(slot);
    }
  }

  void unlink(uint32_t slot) {
    const uint32_t last = last_free_[slot];
    const uint32_t next = next_free_[slot];
    (last == kNone ? first_free_ : next_free_[last]) = next;
    (next == kNone ? end_of_free_ : last_free_[next]) = last;
  }

  void take(uint32_t slot, unsigned char byte) {
    array_.nodes_[slot].label = byte;
    is_free_[slot] = false;
    unlink(slot);
  }

  const std::vector<WeightedPiece>& pieces_;
  PieceArray& array_;
  std::vector<bool> is_free_;
  std::vector<bool> used_bases_;
  // Free slots of the open blocks, in a list.
  std::vector<uint32_t> next_free_;
  std::vector<uint32_t> last_free_;
  uint32_t first_free_ = kNone;
  uint32_t end_of_free_ = kNone;
  std::vector<std::pair<unsigned char, size_t>> children_;  // their bytes, and their first pieces
};

PieceArray::PieceArray(std::vector<WeightedPiece> pieces) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const WeightedPiece& a, const WeightedPiece& b) { return a.text < b.text; });
  PieceArrayBuilder(pieces, *this).build();
}

}  // namespace llmsweep

#include "tokenizer/merge_table.h"

#include <bit>
#include <utility>

namespace llmsweep {

namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

}  // namespace

size_t MergeTable::slot_of(uint64_t pair) const {
  uint64_t hash = pair * 0x9E3779B97F4A7C15;
  hash ^= hash >> 29;
  size_t mask = slots_.size() - 1;
  size_t slot = (hash * 0xBF58476D1CE4E5B9 >> 24) & mask;
  while (slots_[slot].pair != pair && slots_[slot].pair != UINT64_MAX) slot = (slot + 1) & mask;
  return slot;
}

void MergeTable::reserve(size_t merges) {
  slots_.assign(std::bit_ceil(merges * 2 + 16), {});
}

void MergeTable::grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(std::bit_ceil(used_ * 4 + 16), {});
  for (const Slot& slot : old) {
    if (slot.pair != UINT64_MAX) slots_[slot_of(slot.pair)] = slot;
  }
}

void MergeTable::set(int32_t left, int32_t right, Merge merge) {
  if ((used_ + 1) * 2 > slots_.size()) grow();
  uint64_t pair = pair_of(left, right);
  Slot& slot = slots_[slot_of(pair)];
  if (slot.pair == UINT64_MAX) ++used_;
  slot = {.pair = pair, .merge = merge};
}

MergeTable::Merge MergeTable::find(int32_t left, int32_t right) const {
  if (slots_.empty()) return {};
  return slots_[slot_of(pair_of(left, right))].merge;
}

}  // namespace llmsweep

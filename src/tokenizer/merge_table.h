// What two adjacent tokens become, and how early.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmsweep {

class MergeTable {
 public:
  static constexpr uint32_t kNever = UINT32_MAX;
  struct Merge {
    uint32_t rank = kNever;
    int32_t id = 0;
  };
  void reserve(size_t merges);
  void set(int32_t left, int32_t right, Merge merge);  // the last one given for a pair wins
  Merge find(int32_t left, int32_t right) const;

 private:
  struct Slot {
    uint64_t pair = UINT64_MAX;
    Merge merge;
  };
  size_t slot_of(uint64_t pair) const;
  void grow();

  std::vector<Slot> slots_;  // open addressing
  size_t used_ = 0;
};

}  // namespace llmsweep

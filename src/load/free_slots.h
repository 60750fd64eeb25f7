// The slots of an open loop: the lowest that is free, so that there are as many as requests were
// ever in flight at once, and connections are found again.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace llmsweep {

// Loop l of n has the slots l, l + n, l + 2 n, …
class FreeSlots {
 public:
  FreeSlots(uint32_t loop, uint32_t loops) : next_(loop), loops_(loops) {}

  uint32_t take() {
    if (free_.empty()) {
      const uint32_t slot = next_;
      next_ += loops_;
      return slot;
    }
    const uint32_t slot = free_.top();
    free_.pop();
    return slot;
  }
  void give_back(uint32_t slot) { free_.push(slot); }

 private:
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> free_;
  uint32_t next_;  // none above was ever taken
  uint32_t loops_;
};

}  // namespace llmsweep

// The KV cache's blocks: who holds them, and which free ones still hold a known prompt prefix.
//
// A sequence's blocks are indices. Shared prefix blocks are counted per holder. Free blocks with a
// known content are reused oldest first, after those without one.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace llmsweep::sim {

class KvCache {
 public:
  // capacity_tokens 0: without limit.
  KvCache(int64_t capacity_tokens, int64_t block_tokens, bool prefix_cache);

  int64_t blocks_for(int64_t tokens) const { return (tokens + block_tokens_ - 1) / block_tokens_; }
  bool fits(int64_t tokens) const { return limit_ == 0 || blocks_for(tokens) <= limit_; }
  int64_t block_tokens() const { return block_tokens_; }

  // Takes the longest cached prefix of `hashes`, at most `max_blocks`, into the empty `blocks`.
  void take_prefix(const std::vector<uint64_t>& hashes, int64_t max_blocks,
                   std::vector<uint32_t>& blocks);
  // Grows `blocks` to hold `tokens`. False, and nothing changed, where too few are free.
  bool reserve(int64_t tokens, std::vector<uint32_t>& blocks);
  // Makes the first hashes.size() of `blocks` findable.
  void publish(const std::vector<uint64_t>& hashes, const std::vector<uint32_t>& blocks);
  void release(std::vector<uint32_t>& blocks);

  int64_t used_blocks() const { return used_; }
  double usage() const {
    return limit_ == 0 ? 0 : static_cast<double>(used_) / static_cast<double>(limit_);
  }

 private:
  struct Block {
    uint32_t holders = 0;
    uint64_t hash = 0;      // 0: content unknown
    uint64_t freed_at = 0;  // key in free_known_
  };
  uint32_t allocate();
  void hold(uint32_t block);

  int64_t block_tokens_;
  int64_t limit_;  // in blocks; 0: none
  bool prefix_cache_;
  std::vector<Block> blocks_;
  std::vector<uint32_t> free_unknown_;
  std::map<uint64_t, uint32_t> free_known_;  // by the time they were freed
  std::unordered_map<uint64_t, uint32_t> by_hash_;
  uint64_t frees_ = 0;
  int64_t used_ = 0;
};

}  // namespace llmsweep::sim

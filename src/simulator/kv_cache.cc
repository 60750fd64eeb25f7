#include "simulator/kv_cache.h"

#include <algorithm>
#include <cassert>

namespace llmsweep::sim {

KvCache::KvCache(int64_t capacity_tokens, int64_t block_tokens, bool prefix_cache)
    : block_tokens_(block_tokens),
      limit_(capacity_tokens == 0 ? 0 : std::max<int64_t>(1, capacity_tokens / block_tokens)),
      prefix_cache_(prefix_cache) {}

void KvCache::take_prefix(const std::vector<uint64_t>& hashes, int64_t max_blocks,
                          std::vector<uint32_t>& blocks) {
  assert(blocks.empty());
  if (!prefix_cache_) return;
  for (uint64_t hash : hashes) {
    if (static_cast<int64_t>(blocks.size()) >= max_blocks) return;
    auto found = by_hash_.find(hash);
    if (found == by_hash_.end()) return;
    hold(found->second);
    blocks.push_back(found->second);
  }
}

bool KvCache::reserve(int64_t tokens, std::vector<uint32_t>& blocks) {
  const int64_t missing = blocks_for(tokens) - static_cast<int64_t>(blocks.size());
  if (missing <= 0) return true;
  if (limit_ != 0 && used_ + missing > limit_) return false;
  for (int64_t i = 0; i < missing; ++i) blocks.push_back(allocate());
  return true;
}

void KvCache::publish(const std::vector<uint64_t>& hashes, const std::vector<uint32_t>& blocks) {
  if (!prefix_cache_) return;
  for (size_t i = 0; i < std::min(hashes.size(), blocks.size()); ++i) {
    Block& block = blocks_[blocks[i]];
    // A block that is known already keeps its content; a content known elsewhere keeps its block.
    if (block.hash == 0 && by_hash_.emplace(hashes[i], blocks[i]).second) block.hash = hashes[i];
  }
}

void KvCache::release(std::vector<uint32_t>& blocks) {
  // Last block first: a prefix is worth more than what follows it.
  for (auto it = blocks.rbegin(); it != blocks.rend(); ++it) {
    Block& block = blocks_[*it];
    assert(block.holders > 0);
    if (--block.holders > 0) continue;
    --used_;
    if (block.hash == 0) {
      free_unknown_.push_back(*it);
    } else {
      block.freed_at = ++frees_;
      free_known_.emplace(block.freed_at, *it);
    }
  }
  blocks.clear();
}

uint32_t KvCache::allocate() {
  uint32_t index = 0;
  const auto total = static_cast<int64_t>(blocks_.size());
  if (!free_unknown_.empty()) {
    index = free_unknown_.back();
    free_unknown_.pop_back();
  } else if (limit_ == 0 || total < limit_) {
    index = static_cast<uint32_t>(total);
    blocks_.emplace_back();
  } else {
    assert(!free_known_.empty());
    index = free_known_.begin()->second;
    free_known_.erase(free_known_.begin());
    by_hash_.erase(blocks_[index].hash);
    blocks_[index].hash = 0;
  }
  blocks_[index].holders = 1;
  ++used_;
  return index;
}

void KvCache::hold(uint32_t index) {
  Block& block = blocks_[index];
  if (block.holders++ == 0) {
    free_known_.erase(block.freed_at);
    ++used_;
  }
}

}  // namespace llmsweep::sim

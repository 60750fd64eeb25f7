// Bytes that events point to: append-only blocks that stay where they are until reset().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace llmsweep::http {

class EventArena {
 public:
  // A copy of `bytes`. Empty for empty.
  std::string_view append(std::string_view bytes) { return extend({}, bytes); }

  // A copy of `head` followed by `tail`, where `head` came from this arena: without moving it if it
  // was the last one appended and its block has room.
  std::string_view extend(std::string_view head, std::string_view tail) {
    if (!blocks_.empty() && !head.empty()) {
      Block& block = blocks_[current_];
      const bool last = head.data() + head.size() == block.bytes.get() + block.used;
      if (last && block.size - block.used >= tail.size()) {
        std::memcpy(block.bytes.get() + block.used, tail.data(), tail.size());
        block.used += tail.size();
        return {head.data(), head.size() + tail.size()};
      }
    }
    const size_t size = head.size() + tail.size();
    char* to = reserve(size);
    if (!head.empty()) std::memcpy(to, head.data(), head.size());
    if (!tail.empty()) std::memcpy(to + head.size(), tail.data(), tail.size());
    return {to, size};
  }

  // Everything handed out so far becomes invalid; the blocks are kept for reuse.
  void reset() {
    for (size_t i = 0; i < blocks_.size() && i <= current_; ++i) blocks_[i].used = 0;
    current_ = 0;
  }

 private:
  static constexpr size_t kBlockSize = size_t{256} << 10;
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
    size_t used = 0;
  };

  char* reserve(size_t size) {
    while (current_ < blocks_.size() && blocks_[current_].size - blocks_[current_].used < size) {
      ++current_;
    }
    if (current_ == blocks_.size()) {
      const size_t capacity = std::max(size, kBlockSize);
      blocks_.push_back({std::unique_ptr<char[]>(new char[capacity]), capacity, 0});
    }
    Block& block = blocks_[current_];
    char* to = block.bytes.get() + block.used;
    block.used += size;
    return to;
  }

  std::vector<Block> blocks_;
  size_t current_ = 0;
};

}  // namespace llmsweep::http

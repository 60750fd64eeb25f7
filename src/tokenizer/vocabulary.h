// Tokens as bytes: id to bytes, and bytes to id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep {

uint64_t hash_bytes(std::string_view bytes);

class Vocabulary {
 public:
  static constexpr int32_t kNone = -1;
  static constexpr int32_t kMaxId = 1 << 24;

  void reserve(size_t tokens, size_t bytes);
  // The first id given for some bytes keeps them. `id` is below kMaxId.
  void add(std::string_view bytes, int32_t id);

  int32_t find(std::string_view bytes) const;                              // kNone where absent
  std::string_view bytes_of(int32_t id) const;                             // empty where absent
  int32_t end_id() const { return static_cast<int32_t>(places_.size()); }  // one past the highest

 private:
  struct Place {
    uint32_t offset = 0;
    uint32_t length = 0;
  };
  void grow();
  void insert(uint32_t id);

  std::string arena_;
  std::vector<Place> places_;    // by id
  std::vector<uint32_t> slots_;  // id + 1, open addressing; 0: free
  size_t tokens_ = 0;
};

}  // namespace llmsweep

// What became of short texts met before. Text repeats its words: nearly every look-up is a hit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace llmsweep {

// Of a text there is one entry, in the place that its hash names: another text there takes it. One
// thread an object.
template <class Found>
class WordCache {
 public:
  static constexpr size_t kBytes = 30;  // of the longest text
  struct Entry {
    uint8_t bytes = 0;
    uint8_t count = 0;  // of what `found` holds
    char text[kBytes];
    Found found;
  };

  // Null: not known. `hash` is hash_bytes(text).
  const Entry* find(std::string_view text, uint64_t hash) const {
    if (entries_.empty()) return nullptr;
    const Entry& entry = entries_[hash >> kShift];
    return text == std::string_view(entry.text, entry.bytes) ? &entry : nullptr;
  }
  // For the caller to fill. `text` has at least one byte and at most kBytes.
  Entry& put(std::string_view text, uint64_t hash) {
    if (entries_.empty()) entries_.resize(size_t{1} << (64 - kShift));
    Entry& entry = entries_[hash >> kShift];
    entry.bytes = static_cast<uint8_t>(text.size());
    entry.count = 0;
    std::copy(text.begin(), text.end(), entry.text);
    return entry;
  }

 private:
  static constexpr int kShift = 64 - 15;
  std::vector<Entry> entries_;
};

}  // namespace llmsweep

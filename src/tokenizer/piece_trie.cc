#include "tokenizer/piece_trie.h"

namespace llmsweep {

void PieceTrie::add(std::string_view piece, int32_t id) {
  int32_t node = kRoot;
  for (const char byte : piece) {
    int32_t child = next(node, byte);
    if (child == kNone) {
      child = static_cast<int32_t>(ids_.size());
      ids_.push_back(kNone);
      const auto value = static_cast<unsigned char>(byte);
      if (node == kRoot) {
        root_[value] = child;
      } else {
        edges_.set(node, value, {.rank = 0, .id = child});
      }
    }
    node = child;
  }
  ids_[static_cast<size_t>(node)] = id;
}

size_t PieceTrie::longest_prefix(std::string_view text) const {
  size_t longest = 0;
  int32_t node = kRoot;
  for (size_t at = 0; at < text.size(); ++at) {
    node = next(node, text[at]);
    if (node == kNone) break;
    if (id_at(node) != kNone) longest = at + 1;
  }
  return longest;
}

}  // namespace llmsweep

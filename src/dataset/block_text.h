// The text of numbered blocks of tokens: words of one token each, of which the first spell the
// number, so that two blocks differ in them, and the rest follow from it. A block that is needed at
// two lengths is one text, cut. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "dataset/nonce.h"

namespace llmsweep {

class BlockText {
 public:
  // So many words spell a number: fewer than the tokens of an engine's smallest block.
  static constexpr int kSpelled = 4;

  // `words` must outlive it and hold a word of each kind.
  BlockText(const NonceWords& words, uint64_t seed) : words_(words), nonces_(words, seed) {}

  // Blocks that can be told apart.
  uint64_t capacity() const;
  // The first `tokens` words of block `number`, which is below capacity(). At the begin of a text
  // there is no space before its first word, which is then another one.
  void append_to(std::string& text, uint64_t number, int64_t tokens) const;

 private:
  const NonceWords& words_;
  Nonces nonces_;
};

}  // namespace llmsweep

#include "dataset/block_text.h"

#include <algorithm>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

constexpr uint64_t kBlockStream = 0x626c6f636b;  // "block"

// Up to the end of the word `words`, whose words have a space before them but for the first.
size_t end_of_words(const std::string& text, int64_t words) {
  size_t at = 1;
  for (int64_t i = 0; i < words && at != std::string::npos; ++i) {
    at = text.find(' ', i == 0 ? 1 : at + 1);
  }
  return std::min(at, text.size());
}

}  // namespace

uint64_t BlockText::capacity() const {
  return std::min(nonces_.capacity(kSpelled, false), nonces_.capacity(kSpelled, true));
}

void BlockText::append_to(std::string& text, uint64_t number, int64_t tokens) const {
  if (tokens <= 0) return;
  const std::string spelled = nonces_.make(number, kSpelled, !text.empty());
  text.append(spelled, 0, end_of_words(spelled, tokens));
  Random random(nonces_.seed() ^ kBlockStream, number);
  for (int64_t i = kSpelled; i < tokens; ++i) {
    text += words_.spaced[random.below(words_.spaced.size())];
  }
}

}  // namespace llmsweep

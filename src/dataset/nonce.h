// The words that make a prompt unlike every other of the run: prompt numbers, permuted by the seed
// and written in a number system whose digits are words. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep {

// A bijection of [0, size) onto itself, different for each seed. `size` > 0 and < 2^63.
class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed);
  uint64_t operator()(uint64_t i) const;  // i < size
  uint64_t size() const { return size_; }

 private:
  uint64_t size_;
  uint64_t factor_;
  uint64_t shift_;
};

// Words for the first place, where no space stands before them, and for the others.
struct NonceWords {
  std::vector<std::string> first;   // "word"
  std::vector<std::string> spaced;  // " word"
};

inline constexpr uint64_t kEnoughNonces = uint64_t{1} << 40;

class Nonces {
 public:
  Nonces() = default;
  Nonces(NonceWords words, uint64_t seed) : words_(std::move(words)), seed_(seed) {}

  // The number of words that gives at least kEnoughNonces, but at most `limit` (>= 1).
  int length(int limit, bool spaced) const;
  uint64_t capacity(int length, bool spaced) const;
  // Different for each index < capacity(length, spaced). `spaced`: begins with a space.
  std::string make(uint64_t index, int length, bool spaced) const;

  const NonceWords& words() const { return words_; }
  uint64_t seed() const { return seed_; }

 private:
  NonceWords words_;
  uint64_t seed_ = 0;
};

// Of exactly `length` lower-case letters, for where no tokenizer is known; index < 26^length.
std::string letter_nonce(uint64_t index, int length, uint64_t seed);
uint64_t letter_nonces(int length);  // 26^length, at most kEnoughNonces

}  // namespace llmsweep

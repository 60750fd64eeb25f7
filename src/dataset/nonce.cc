#include "dataset/nonce.h"

#include <algorithm>
#include <numeric>

#include "llmsweep/base/random.h"

namespace llmsweep {

namespace {

constexpr uint64_t kNonceStream = 0x6e6f6e6365;  // "nonce"

}  // namespace

Permutation::Permutation(uint64_t size, uint64_t seed) : size_(size) {
  Random random(seed ^ kNonceStream, size);
  do {
    factor_ = 1 + random.below(size);
  } while (std::gcd(factor_, size) != 1);
  shift_ = random.below(size);
}

uint64_t Permutation::operator()(uint64_t i) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((Wide{i} * factor_ + shift_) % size_);
}

uint64_t Nonces::capacity(int length, bool spaced) const {
  uint64_t total = spaced ? words_.spaced.size() : words_.first.size();
  for (int i = 1; i < length && total < kEnoughNonces; ++i) total *= words_.spaced.size();
  return total;
}

int Nonces::length(int limit, bool spaced) const {
  int length = 1;
  while (length < limit && capacity(length, spaced) < kEnoughNonces) ++length;
  return length;
}

std::string Nonces::make(uint64_t index, int length, bool spaced) const {
  uint64_t number = Permutation(capacity(length, spaced), seed_)(index);
  const auto& first = spaced ? words_.spaced : words_.first;
  std::string text = first[number % first.size()];
  number /= first.size();
  for (int i = 1; i < length; ++i) {
    text += words_.spaced[number % words_.spaced.size()];
    number /= words_.spaced.size();
  }
  return text;
}

uint64_t letter_nonces(int length) {
  uint64_t total = 1;
  for (int i = 0; i < length && total < kEnoughNonces; ++i) total *= 26;
  return std::min(total, kEnoughNonces);
}

std::string letter_nonce(uint64_t index, int length, uint64_t seed) {
  uint64_t number = Permutation(letter_nonces(length), seed)(index);
  std::string text(static_cast<size_t>(length), 'a');
  for (char& c : text) {
    c = static_cast<char>('a' + number % 26);
    number /= 26;
  }
  return text;
}

}  // namespace llmsweep

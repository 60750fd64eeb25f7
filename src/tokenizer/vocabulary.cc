#include "tokenizer/vocabulary.h"

#include <bit>
#include <cstring>

namespace llmsweep {

namespace {

constexpr uint64_t kMix = 0x9E3779B97F4A7C15;

uint64_t load(const char* bytes, size_t n) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, n);
  return word;
}

}  // namespace

uint64_t hash_bytes(std::string_view bytes) {
  uint64_t hash = bytes.size() * kMix;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) hash = std::rotl((hash ^ load(at, 8)) * kMix, 29);
  if (left > 0) hash = std::rotl((hash ^ load(at, left)) * kMix, 29);
  hash ^= hash >> 32;
  return hash * kMix;
}

void Vocabulary::reserve(size_t tokens, size_t bytes) {
  arena_.reserve(bytes);
  places_.reserve(tokens);
  slots_.assign(std::bit_ceil(tokens * 2 + 16), 0);
}

void Vocabulary::insert(uint32_t id) {
  std::string_view bytes = bytes_of(static_cast<int32_t>(id));
  size_t mask = slots_.size() - 1;
  size_t slot = (hash_bytes(bytes) >> 20) & mask;
  while (slots_[slot] != 0) {
    if (bytes_of(static_cast<int32_t>(slots_[slot] - 1)) == bytes) return;
    slot = (slot + 1) & mask;
  }
  slots_[slot] = id + 1;
}

void Vocabulary::grow() {
  slots_.assign(std::bit_ceil((tokens_ + 1) * 4 + 16), 0);
  for (size_t id = 0; id < places_.size(); ++id) {
    if (places_[id].length > 0) insert(static_cast<uint32_t>(id));
  }
}

void Vocabulary::add(std::string_view bytes, int32_t id) {
  if (bytes.empty()) return;
  if ((tokens_ + 1) * 2 > slots_.size()) grow();
  auto place = static_cast<size_t>(id);
  if (place >= places_.size()) places_.resize(place + 1);
  places_[place] = {.offset = static_cast<uint32_t>(arena_.size()),
                    .length = static_cast<uint32_t>(bytes.size())};
  arena_ += bytes;
  ++tokens_;
  insert(static_cast<uint32_t>(id));
}

int32_t Vocabulary::find(std::string_view bytes) const {
  if (bytes.empty() || slots_.empty()) return kNone;
  size_t mask = slots_.size() - 1;
  for (size_t slot = (hash_bytes(bytes) >> 20) & mask; slots_[slot] != 0;
       slot = (slot + 1) & mask) {
    auto id = static_cast<int32_t>(slots_[slot] - 1);
    if (bytes_of(id) == bytes) return id;
  }
  return kNone;
}

std::string_view Vocabulary::bytes_of(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= places_.size()) return {};
  const Place& place = places_[static_cast<size_t>(id)];
  return std::string_view(arena_).substr(place.offset, place.length);
}

}  // namespace llmsweep

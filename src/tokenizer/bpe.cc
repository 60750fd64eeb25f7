#include "tokenizer/bpe.h"

#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/unicode.h"

namespace llmsweep {

namespace {

constexpr size_t kShort = 96;  // symbols; longer pieces are quicker with a heap

}  // namespace

void BpeModel::index_bytes() {
  for (size_t b = 0; b < 256; ++b) {
    char byte = static_cast<char>(b);
    byte_ids[b] = vocabulary.find({&byte, 1});
  }
}

int32_t BpeModel::id_of_character(std::string_view character) const {
  if (character.size() == 1) return ascii_ids_[static_cast<unsigned char>(character.front())];
  return vocabulary.find(character);
}

void BpeModel::note_merge(int32_t left, int32_t right) {
  const std::string_view before = vocabulary.bytes_of(left);
  size_t last = before.size() - 1;
  while (last > 0 && (static_cast<unsigned char>(before[last]) & 0xC0) == 0x80) --last;
  cuts_.join(character_at(before, last).code, character_at(vocabulary.bytes_of(right), 0).code);
  // These stand for other characters than they are written with.
  const auto stands_for_others = [&](int32_t id) {
    return id == unknown ||
           (byte_fallback && std::find(byte_ids.begin(), byte_ids.end(), id) != byte_ids.end());
  };
  if (stands_for_others(left) || stands_for_others(right)) may_cut_ = false;
}

void BpeModel::index_characters() {
  by_characters = true;
  for (size_t c = 0; c < ascii_ids_.size(); ++c) {
    char character = static_cast<char>(c);
    ascii_ids_[c] = vocabulary.find({&character, 1});
  }
  for (size_t b = 0; b < byte_ids.size(); ++b) {
    byte_ids[b] = vocabulary.find(fmt::format("<0x{:02X}>", b));
  }
  complete_ = byte_fallback && std::none_of(byte_ids.begin(), byte_ids.end(),
                                            [](int32_t id) { return id == Vocabulary::kNone; });
}

size_t BpeModel::end_of_part(std::string_view piece, size_t begin) const {
  if (!may_cut_ || begin >= piece.size()) return piece.size();
  const auto has_token = [&](size_t at, const Character& character) {
    return complete_ || id_of_character(piece.substr(at, character.bytes)) != Vocabulary::kNone;
  };
  Character left = character_at(piece, begin);
  bool left_known = has_token(begin, left);
  size_t at = begin + left.bytes;
  while (at < piece.size()) {
    const Character right = character_at(piece, at);
    const bool right_known = has_token(at, right);
    // Unknown characters fuse, or are dropped and let their neighbours meet.
    if (left_known && right_known && !cuts_.joined(left.code, right.code)) return at;
    left = right;
    left_known = right_known;
    at += right.bytes;
  }
  return piece.size();
}

bool BpeModel::append_fallback(std::string_view character, std::vector<int32_t>& ids) const {
  if (!byte_fallback) return false;
  const auto id_of = [&](char byte) { return byte_ids[static_cast<unsigned char>(byte)]; };
  if (std::any_of(character.begin(), character.end(),
                  [&](char byte) { return id_of(byte) == Vocabulary::kNone; })) {
    return false;
  }
  for (const char byte : character) ids.push_back(id_of(byte));
  return true;
}

// As Hugging Face's library: an unknown character waits for the next known one, and so comes after
// the bytes of those between.
void BpeModel::start_characters(std::string_view piece, std::vector<int32_t>& ids) const {
  ids.clear();
  bool waiting = false;
  const auto release = [&] {
    if (waiting) ids.push_back(unknown);
    waiting = false;
  };
  for (size_t at = 0; at < piece.size();) {
    const std::string_view character = piece.substr(at, character_at(piece, at).bytes);
    at += character.size();
    const int32_t id = id_of_character(character);
    if (id != Vocabulary::kNone) {
      release();
      ids.push_back(id);
    } else if (!append_fallback(character, ids) && unknown != Vocabulary::kNone) {
      if (!fuse_unknown) release();
      waiting = true;
    }
  }
  release();
}

void BpeModel::start(std::string_view piece, std::vector<int32_t>& ids) const {
  ids.clear();
  bool after_unknown = false;
  for (char c : piece) {
    int32_t id = byte_ids[static_cast<unsigned char>(c)];
    if (id != Vocabulary::kNone) {
      ids.push_back(id);
    } else if (unknown != Vocabulary::kNone && !(fuse_unknown && after_unknown)) {
      ids.push_back(unknown);
    }
    after_unknown = id == Vocabulary::kNone;
  }
}

void BpeModel::encode(std::string_view piece, BpeScratch& scratch,
                      std::vector<int32_t>& ids) const {
  if (ignore_merges) {
    int32_t whole = vocabulary.find(piece);
    if (whole != Vocabulary::kNone) {
      ids.push_back(whole);
      return;
    }
  }
  merge(piece, scratch, ids);
}

void BpeModel::merge(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (by_characters) {
    start_characters(piece, scratch.ids);
  } else {
    start(piece, scratch.ids);
  }
  if (scratch.ids.size() <= kShort) {
    merge_short(scratch, ids);
  } else {
    merge_long(scratch, ids);
  }
}

void BpeModel::merge_short(BpeScratch& scratch, std::vector<int32_t>& ids) const {
  auto& symbols = scratch.ids;
  auto& found = scratch.merges;
  size_t n = symbols.size();
  found.resize(n);
  auto look = [&](size_t i) {
    found[i] = i + 1 < n ? merges.find(symbols[i], symbols[i + 1]) : MergeTable::Merge{};
  };
  for (size_t i = 0; i < n; ++i) look(i);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i) {
      if (found[i].rank < found[best].rank) best = i;
    }
    if (found[best].rank == MergeTable::kNever) break;
    symbols[best] = found[best].id;
    for (size_t i = best + 1; i + 1 < n; ++i) {
      symbols[i] = symbols[i + 1];
      found[i] = found[i + 1];
    }
    --n;
    look(best);
    if (best > 0) look(best - 1);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.begin() + static_cast<ptrdiff_t>(n));
}

void BpeModel::merge_long(BpeScratch& scratch, std::vector<int32_t>& ids) const {
  using Candidate = BpeScratch::Candidate;
  auto& heap = scratch.heap;
  auto n = static_cast<int32_t>(scratch.ids.size());
  scratch.symbols.clear();
  heap.clear();
  for (int32_t i = 0; i < n; ++i) {
    scratch.symbols.push_back({.id = scratch.ids[static_cast<size_t>(i)],
                               .previous = i - 1,
                               .next = i + 1 < n ? i + 1 : -1});
  }
  auto later = [](const Candidate& a, const Candidate& b) { return a.order > b.order; };
  auto at = [&](int32_t i) -> BpeScratch::Symbol& {
    return scratch.symbols[static_cast<size_t>(i)];
  };
  auto offer = [&](int32_t i) {
    if (i < 0 || at(i).next < 0) return false;
    int32_t left = at(i).id;
    int32_t right = at(at(i).next).id;
    MergeTable::Merge merge = merges.find(left, right);
    if (merge.rank == MergeTable::kNever) return false;
    heap.push_back({.order = uint64_t{merge.rank} << 32 | static_cast<uint32_t>(i),
                    .left = left,
                    .right = right,
                    .merged = merge.id});
    return true;
  };
  for (int32_t i = 0; i + 1 < n; ++i) offer(i);
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    Candidate top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), later);
    heap.pop_back();
    auto i = static_cast<int32_t>(top.order & UINT32_MAX);
    int32_t next = at(i).next;
    // Stale: one of the two has merged with another in the meantime.
    if (at(i).id != top.left || next < 0 || at(next).id != top.right) continue;
    at(i).id = top.merged;
    at(i).next = at(next).next;
    if (at(next).next >= 0) at(at(next).next).previous = i;
    at(next).id = Vocabulary::kNone;
    for (int32_t changed : {at(i).previous, i}) {
      if (offer(changed)) std::push_heap(heap.begin(), heap.end(), later);
    }
  }
  for (int32_t i = 0; i >= 0 && n > 0; i = at(i).next) ids.push_back(at(i).id);
}

}  // namespace llmsweep

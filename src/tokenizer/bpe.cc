#include "tokenizer/bpe.h"

#include <algorithm>

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
  start(piece, scratch.ids);
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

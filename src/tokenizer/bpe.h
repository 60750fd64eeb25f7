// Byte-pair encoding of one pre-token: merges of the lowest rank first, then the leftmost.
//
// Short pieces are scanned; long ones use a heap, so that no piece takes quadratic time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/vocabulary.h"

namespace llmsweep {

// Memory that encode() reuses; one thread an object.
struct BpeScratch {
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next;
  };
  struct Candidate {
    uint64_t order;  // rank, then position
    int32_t left;
    int32_t right;
    int32_t merged;
  };
  std::vector<int32_t> ids;
  std::vector<MergeTable::Merge> merges;  // merges[i]: of ids[i] and ids[i + 1]
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

struct BpeModel {
  Vocabulary vocabulary;
  MergeTable merges;
  std::array<int32_t, 256> byte_ids{};  // Vocabulary::kNone where a byte has no token
  int32_t unknown = Vocabulary::kNone;  // stands for such a byte; kNone: it is dropped
  bool fuse_unknown = false;            // adjacent ones become one
  bool ignore_merges = false;           // a piece that is a token needs no merging

  // Fills byte_ids from the vocabulary.
  void index_bytes();
  // Appends the piece's ids.
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;

 private:
  void start(std::string_view piece, std::vector<int32_t>& ids) const;
  void merge_short(BpeScratch& scratch, std::vector<int32_t>& ids) const;
  void merge_long(BpeScratch& scratch, std::vector<int32_t>& ids) const;
};

}  // namespace llmsweep

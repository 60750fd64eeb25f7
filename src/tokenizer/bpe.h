// Byte-pair encoding of one pre-token: merges of the lowest rank first, then the leftmost.
//
// Short pieces are scanned; long ones use a heap, so that no piece takes quadratic time. A
// vocabulary is of bytes, or of characters (SentencePiece's); then a piece may be a whole text,
// which is cut where no merge reaches across.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/safe_cuts.h"
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
  int32_t unknown = Vocabulary::kNone;  // stands for what has no token; kNone: it is dropped
  bool fuse_unknown = false;            // adjacent ones become one
  bool ignore_merges = false;           // a piece that is a token needs no merging
  bool by_characters = false;
  bool byte_fallback = false;  // a character without a token becomes the tokens <0x00> to <0xFF>

  // Fills byte_ids from the vocabulary.
  void index_bytes();
  // The same for a vocabulary of characters; `merges` are in place.
  void index_characters();
  // Merges of `left` and `right` become known to index_characters.
  void note_merge(int32_t left, int32_t right);
  // Appends the piece's ids.
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  // The same without a look whether it is a token.
  void merge(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  // Where the part of `piece` that begins at `begin` ends; each can be merged by itself.
  size_t end_of_part(std::string_view piece, size_t begin) const;

 private:
  int32_t id_of_character(std::string_view character) const;
  bool append_fallback(std::string_view character, std::vector<int32_t>& ids) const;
  void start_characters(std::string_view piece, std::vector<int32_t>& ids) const;
  void start(std::string_view piece, std::vector<int32_t>& ids) const;
  void merge_short(BpeScratch& scratch, std::vector<int32_t>& ids) const;
  void merge_long(BpeScratch& scratch, std::vector<int32_t>& ids) const;

  std::array<int32_t, 128> ascii_ids_{};
  SafeCuts cuts_;
  bool may_cut_ = true;
  bool complete_ = false;  // every character has tokens
};

}  // namespace llmsweep

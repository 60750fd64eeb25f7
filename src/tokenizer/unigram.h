// The most probable way to cut a text into pieces that have a log-probability each (Viterbi), as
// SentencePiece's Unigram models and Hugging Face's library find it, with their rounding.
//
// Kudo, "Subword Regularization", ACL 2018, section 3.2.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/piece_array.h"
#include "tokenizer/safe_cuts.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_cache.h"

namespace llmsweep {

// Memory that encode() reuses; one thread and one model an object.
struct UnigramScratch {
  struct Best {
    double score = 0;
    double gap = 0;      // to the next best way to here; infinite: there is no other
    uint32_t bytes = 0;  // of the last piece of the best way to here; 0: there is no way
    int32_t id = Vocabulary::kNone;
  };
  struct Piece {
    uint32_t bytes;
    int32_t id;
  };
  // Through a part of a text that was met before, without rounding. An entry without ids: the part
  // has to be searched each time.
  struct Way {
    std::array<int32_t, 6> ids;
    float gap;     // by how much it is better than any other
    float weight;  // the sum of its scores without their signs
  };
  std::vector<Best> best;     // of a part, by the byte at which a piece ends
  std::vector<Piece> pieces;  // of the best way through a part, last first
  WordCache<Way> ways;
  bool wants_ends = false;
  std::vector<size_t> ends;  // where wanted: where in the text the i-th of the ids ends
};

class UnigramModel {
 public:
  // SentencePiece keeps the sums in floats, Hugging Face's library in doubles.
  enum class Sums { kFloat, kDouble };
  UnigramModel(Sums sums, int32_t unknown) : sums_(sums), unknown_(unknown) {}

  // A character without a piece becomes the tokens of its bytes, where all of these are known.
  void fall_back_to(const std::array<int32_t, 256>& byte_ids);
  void add(std::string_view piece, int32_t id, double score);
  // The last call before the first text. `unknown_score` is that of a character without a piece.
  void finish(double unknown_score);

  // Appends the ids of the whole text: how a long one is cut may depend on its start, by rounding.
  void encode(std::string_view text, UnigramScratch& scratch, std::vector<int32_t>& ids) const;
  // Where the part of `text` that begins at `begin` ends: no piece reaches across, so that the ids
  // of what stands before it are the first of the whole.
  size_t end_of_part(std::string_view text, size_t begin) const;

 private:
  class Walk;
  using Way = UnigramScratch::Way;
  using Ways = WordCache<Way>;

  double rounded(double score) const;
  // Fills scratch.best for a part behind which the text so far scores `before`.
  enum class Rounding { kAsTheLibrary, kNone };
  void search(std::string_view part, double before, Rounding rounding,
              UnigramScratch& scratch) const;
  // scratch.pieces from scratch.best.
  static void trace(size_t end, UnigramScratch& scratch);
  // Searches the part by itself and keeps what was found.
  const Ways::Entry& learn(std::string_view part, uint64_t hash, UnigramScratch& scratch) const;
  // Whether no rounding can make another way better, behind scores that sum up to `before` at most.
  bool is_certain(const Ways::Entry& known, double before) const;
  bool has_piece(std::string_view text, size_t at, const Character& character) const;
  bool append_bytes(std::string_view text, std::vector<int32_t>& ids) const;

  Sums sums_;
  int32_t unknown_;
  double unknown_score_ = 0;
  std::string unknown_text_;          // where it is a piece that texts may have; else empty
  std::vector<WeightedPiece> added_;  // until they are in pieces_
  PieceArray pieces_;
  struct Known {
    double score = 0;
    uint32_t bytes = 0;
  };
  std::vector<Known> known_;                                // pieces, by id
  double largest_ = 0;                                      // of their scores, without its sign
  size_t longest_ = 0;                                      // piece, in bytes
  std::vector<bool> single_ = std::vector<bool>(kSingles);  // characters that are pieces, below it
  SafeCuts cuts_;
  std::array<int32_t, 256> byte_ids_{};
  bool fallback_ = false;
  bool complete_ = false;  // every byte has a token
  static constexpr int32_t kSingles = 0x10000;
};

}  // namespace llmsweep

// Splits normalized text into the pieces that are encoded one by one.
//
// A pre-tokenizer is a list of stages; each sees only one piece at a time, never across its edges.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/regex.h"

namespace llmsweep {

// Text of a piece, and where it lies in the text that was given.
struct Piece {
  std::string_view text;
  size_t begin = 0;
  size_t end = 0;
};

// What becomes of a delimiter (a match) between two texts; names and meaning as in tokenizer.json.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// Finds delimiters: a pattern, a literal text, or single characters of a class.
using Delimiter = std::variant<Regex, std::string, bool (*)(int32_t)>;

struct SplitStage {
  Delimiter delimiter;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  // what does not match is the delimiter
};
struct PrefixSpaceStage {};   // a space before every piece that does not begin with one
struct ByteAlphabetStage {};  // bytes become characters of the byte alphabet
// A mark for every space, and before pieces that do not begin with one: all, or what begins a text.
enum class MarkBefore { kNone, kFirst, kAll };
struct SpaceMarkStage {
  std::string mark;
  MarkBefore before = MarkBefore::kAll;
};
using Stage = std::variant<SplitStage, PrefixSpaceStage, ByteAlphabetStage, SpaceMarkStage>;

// Memory that split() reuses; one thread an object.
struct SplitScratch {
  struct Part {
    size_t begin;
    size_t end;
    bool delimiter;
  };
  RegexScratch regex;
  std::vector<Part> parts;
  std::vector<Piece> pieces;
  std::vector<Piece> next;
  std::vector<std::unique_ptr<std::string>> owned;  // texts that a stage changed
};

class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<Stage> stages);

  // The pieces of `text`, none empty; valid until the next call with `scratch`. `at_start`: nothing
  // stands before it. Behind a SpaceMarkStage their places are not known.
  const std::vector<Piece>& split(std::string_view text, SplitScratch& scratch,
                                  bool at_start = true) const;
  // Whether pieces are in the byte alphabet, to be turned back into bytes.
  bool in_byte_alphabet() const { return in_byte_alphabet_; }

 private:
  std::vector<Stage> stages_;
  bool in_byte_alphabet_ = false;
};

}  // namespace llmsweep

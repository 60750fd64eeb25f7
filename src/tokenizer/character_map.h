// SentencePiece's normalization: a table of texts, each with what takes its place ("nmt_nfkc").
//
// Its bytes: the size of a double array in bytes (32 bits, little endian), the array, of units of
// 32 bits, and the replacements, each ended by a NUL. The array is that of darts-clone: a unit has
// a label (bits 0 to 7, and bit 31), whether a text ends there (bit 8), and how far its children
// are off (bits 10 to 30, times 256 where bit 9 is set); a leaf has the place of its replacement.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/piece_trie.h"

namespace llmsweep {

// Immutable once it is filled, any thread.
class CharacterMap {
 public:
  // Nothing where the bytes are no such table.
  static std::optional<CharacterMap> parse(std::string_view bytes);
  // This text, which is not empty, stays as it is, wherever it stands.
  void keep(std::string_view text);
  // `text` is valid UTF-8. The longest text of the table that stands at a place is replaced.
  std::string operator()(std::string_view text) const;
  // The same table as Hugging Face's library applies it: of a grapheme cluster of less than six
  // bytes the shortest text that it begins with is looked for, and takes its place; else of each of
  // its characters. Texts to keep are not looked at.
  std::string by_grapheme(std::string_view text) const;

 private:
  struct Found {
    size_t bytes = 0;  // 0: the table has nothing that stands here
    size_t replacement = 0;
  };
  enum class Wanted { kLongest, kShortest };
  Found find(std::string_view text, Wanted wanted) const;
  bool begins_replacement(size_t at) const;
  void find_plain();
  // How many bytes of ASCII, from the text's first on, the table leaves as they are.
  size_t plain_run(std::string_view text) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
  PieceTrie kept_;
  std::array<bool, 128> plain_{};  // ASCII that nothing begins with but what goes on beyond ASCII
};

}  // namespace llmsweep

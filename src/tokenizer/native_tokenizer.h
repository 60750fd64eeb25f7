// The tokenizer that is read from a file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/unigram.h"

namespace llmsweep {

// What tokens of characters stand for.
struct TokenTexts {
  std::string mark;               // of a space; empty: none
  bool bytes = false;             // "<0x0A>" is a byte
  int64_t strip_left = 0;         // spaces at the start of a text that are not part of it
  bool mark_for_nothing = false;  // a text of which the normalizer leaves nothing is one mark
};

struct NativeParts {
  TokenizerInfo info;
  Normalizer normalizer;
  Normalizer marks;  // of spaces: what the model sees besides; no part of Tokenizer::normalize
  PreTokenizer pre_tokenizer;
  BpeModel model;                       // with `unigram`: only its vocabulary
  std::optional<UnigramModel> unigram;  // cuts text in the place of `model`
  TokenTexts texts;
  std::vector<AddedToken> added;
  std::vector<AddedToken> fixed;      // found in marked text, plain or not, and never merged
  std::vector<std::string> controls;  // never found in text, yet none for a prompt
};

// Immutable. See Tokenizer.
class NativeTokenizer final : public Tokenizer {
 public:
  explicit NativeTokenizer(NativeParts parts);

  const TokenizerInfo& info() const override { return parts_.info; }
  std::unique_ptr<Encoder> encoder() const override;
  std::string decode(std::span<const int32_t> ids) const override;
  std::string normalize(std::string_view text) const override;
  bool holds_added_token(std::string_view text) const override;
  std::string text_of(int32_t id) const override;

 private:
  friend class NativeEncoder;
  void append_token(int32_t id, std::string& bytes) const;

  NativeParts parts_;
  AddedTokenMatcher raw_added_;         // looked for before normalization
  AddedTokenMatcher normalized_added_;  // and after it
  AddedTokenMatcher fixed_;
  AddedTokenMatcher controls_;  // what holds_added_token looks for
  AddedTokenMatcher normalized_controls_;
  std::vector<std::string> added_bytes_;  // what added ids decode to, by id; empty: not added
};

}  // namespace llmsweep

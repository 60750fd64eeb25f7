// Makes a text of exactly N tokens: cut at the end of a pre-token, topped up with words of one
// token each, and counted again before it is given out.
//
// The method rests on this: the patterns of byte-level tokenizers go from left to right, so that
// text up to the end of a pre-token encodes to the same tokens as it does inside the whole. Where
// a pattern looks ahead (white space) the cut is moved; whatever else may differ is caught by the
// final count.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "llmsweep/base/random.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

class ExactText {
 public:
  struct Fit {
    std::string text;
    bool exact = false;
    bool ran_out = false;   // `more` had no more
    int64_t available = 0;  // then: the tokens that there were
  };
  // Appends to the text with a blank line between; false: nothing left.
  using More = std::function<bool(std::string& text)>;

  // `spaced_words` each begin with a space and encode to one token.
  ExactText(const Tokenizer& tokenizer, Encoder& encoder, std::span<const std::string> spaced_words)
      : tokenizer_(tokenizer), encoder_(encoder), words_(spaced_words) {}

  // A text that begins with `head`. Not exact: take other text.
  Fit fit(const std::string& head, int64_t tokens, const More& more, Random& random);

 private:
  Fit fit_at_boundaries(const std::string& text, size_t head, int64_t tokens,
                        std::span<const Boundary> boundaries, Random& random);
  Fit fit_by_search(std::string text, size_t head, int64_t tokens, const More& more,
                    Random& random);
  void top_up(std::string& text, int64_t words, Random& random) const;

  const Tokenizer& tokenizer_;
  Encoder& encoder_;
  std::span<const std::string> words_;
};

}  // namespace llmsweep

// What text goes through before it is split.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tokenizer/character_map.h"
#include "tokenizer/regex.h"
#include "tokenizer/unicode.h"

namespace llmsweep {

struct ReplaceText {
  std::variant<Regex, std::string> pattern;
  std::string content;
};
struct PrependText {
  std::string content;  // before text that is not empty
};
struct StripSpace {
  bool left = true;
  bool right = true;
};
struct StripEnd {
  std::string content;  // as often as the text ends with it
};
struct CollapseSpaces {};  // one in the place of several, none at either end
struct MapGraphemes {      // by CharacterMap::by_grapheme
  std::shared_ptr<const CharacterMap> map;
};
using NormalizeStep =
    std::variant<NormalForm, ReplaceText, PrependText, StripSpace, StripEnd, CollapseSpaces,
                 std::shared_ptr<const CharacterMap>, MapGraphemes>;

// Immutable, any thread.
class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizeStep> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }
  // Takes off, and gives back, the steps at the end that only mark spaces: a mark in the place of
  // each, or before the text. `mark` becomes that mark.
  Normalizer take_space_marks(std::string& mark);
  // Whether it can leave every byte of `text` as it is, known without doing it.
  bool leaves_alone(std::string_view text) const;
  std::string operator()(std::string_view text) const;

 private:
  std::vector<NormalizeStep> steps_;
};

}  // namespace llmsweep

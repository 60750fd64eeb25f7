// What text goes through before it is split.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

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
using NormalizeStep = std::variant<NormalForm, ReplaceText, PrependText, StripSpace>;

// Immutable, any thread.
class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizeStep> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }
  // Whether it can leave every byte of `text` as it is, known without doing it.
  bool leaves_alone(std::string_view text) const;
  std::string operator()(std::string_view text) const;

 private:
  std::vector<NormalizeStep> steps_;
};

}  // namespace llmsweep

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

// Reads lines of {"text": …}; a file of its own, since commands need not see a parser's header. One
// thread at a time.
class TextLine {
 public:
  TextLine();
  ~TextLine();

  // The line's text, with invalid UTF-8 repaired, until the next call; none where the line is no
  // JSON object with a text.
  std::optional<std::string_view> read(std::string_view line);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string line_;
};

}  // namespace llmsweep

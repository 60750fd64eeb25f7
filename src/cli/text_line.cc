#include "cli/text_line.h"

#include <simdjson.h>

#include "llmsweep/base/text.h"

namespace llmsweep {

struct TextLine::Parser {
  simdjson::dom::parser dom;
};

TextLine::TextLine() : parser_(std::make_unique<Parser>()) {}

TextLine::~TextLine() = default;

std::optional<std::string_view> TextLine::read(std::string_view line) {
  line_ = repair_utf8(line);
  simdjson::dom::element root;
  std::string_view text;
  if (parser_->dom.parse(line_).get(root) != simdjson::SUCCESS ||
      root["text"].get(text) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return text;
}

}  // namespace llmsweep

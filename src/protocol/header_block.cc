#include "protocol/header_block.h"

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), same);
}

}  // namespace

std::string_view header_value(std::string_view block, std::string_view name) {
  while (!block.empty()) {
    const std::string_view line = block.substr(0, block.find('\n'));
    block.remove_prefix(std::min(line.size() + 1, block.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (equals_ignoring_case(trim(line.substr(0, colon)), name))
      return trim(line.substr(colon + 1));
  }
  return {};
}

}  // namespace llmsweep

// Looks into a raw HTTP header block.
#pragma once

#include <string_view>

namespace llmsweep {

// The trimmed value of the first header called `name` (given in lower case); empty: absent.
std::string_view header_value(std::string_view block, std::string_view name);

}  // namespace llmsweep

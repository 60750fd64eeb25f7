// The shape of a JSON text that cannot be read as what it should be, without what it says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmsweep {

// Keys, brackets and the words true, false and null; every text is "…" and every number 0. Ends
// with "…" at the first byte that no JSON text could have there, and after `limit` bytes.
std::string json_outline(std::string_view text, size_t limit);

}  // namespace llmsweep

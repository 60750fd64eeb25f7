// Synthetic text: sentences of common English words without meaning. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace llmsweep {

// Lower-case words of 3 to 8 letters, each different.
std::span<const std::string_view> common_words();

// About 600 bytes; different for each (seed, index).
std::string random_paragraph(uint64_t seed, uint64_t index);

}  // namespace llmsweep

// LEB128: whole numbers in as few bytes as they need, seven bits a byte, the lowest first; the top
// bit says that more follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

inline void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// The number at the front of `in`, which is taken off it. Nothing, and `in` as it was, where it is
// cut short or needs more than 64 bits.
inline std::optional<uint64_t> take_varint(std::string_view& in) {
  uint64_t value = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte >= 0x80) continue;
    in.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

}  // namespace llmsweep

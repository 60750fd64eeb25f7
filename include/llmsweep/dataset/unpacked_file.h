// A file that was compressed by gzip or Zstandard, in a file that can be read by position.
#pragma once

#include <optional>
#include <string>

namespace llmsweep {

// The descriptor of what the file `fd` holds; nothing where it is not compressed. Throws Error:
// damaged, cut short, no room.
std::optional<int> unpack_if_compressed(int fd, const std::string& name);

}  // namespace llmsweep

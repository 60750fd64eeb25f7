// A dataset that was compressed by gzip or Zstandard, as a file without a name that can be read by
// position.
#pragma once

#include <string>

namespace llmsweep {

// Takes the descriptor of a regular file: where that is compressed, closes it and gives one of what
// it holds, in $TMPDIR (else /tmp); else gives it back. Throws Error: damaged, cut short, no room.
int unpack_if_compressed(int fd, const std::string& name);

}  // namespace llmsweep

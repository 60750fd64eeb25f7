// What stands at a path where a file is wanted.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace llmsweep {

const char* kind_of(mode_t mode);  // "a folder", "a FIFO", …
bool is_stream(mode_t mode);       // a FIFO or a character device: written into, never replaced

// The descriptor that `path` is another name of: /dev/stdout, /dev/fd/3, a link to one of them.
// Only what this process was started with: its own descriptors are closed on exec, and no path may
// lead into them.
std::optional<int> inherited_descriptor(std::filesystem::path path);

}  // namespace llmsweep

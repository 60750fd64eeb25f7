// Whose folder is it? What is not the folder of one of our sweeps is never written into.
#pragma once

#include <filesystem>

namespace llmsweep {

// Throws Error unless the folder holds the journal of one of our sweeps (which began, at least) and
// what a sweep writes there is absent or a regular file that may be written. Opens nothing but the
// journal, waits for nothing, changes nothing.
void require_sweep_folder(const std::filesystem::path& folder);

}  // namespace llmsweep

// Whether the records of a folder are those that its journal tells of.
#pragma once

#include <filesystem>

#include "llmsweep/results/journal.h"

namespace llmsweep {

// Every byte of `requests` belongs to one run of `journal`, in its order, and every run that ended
// has as many records there as were written. Reads the file once and changes nothing. Throws Error.
void require_records_of(const Journal& journal, const std::filesystem::path& requests);

}  // namespace llmsweep

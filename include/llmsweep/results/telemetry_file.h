// telemetry.jsonl: one line a page of metrics that was read beside a run, with what is known on it
// and both stamps, in order. Keys: docs/telemetry.md. With the journal, which says which lines are
// a run's, it is enough to make runs[].telemetry anew.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/telemetry.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {

// One line with its newline; what is not UTF-8 is repaired.
std::string page_to_jsonl(const PageRead& page);
// Throws Error with `where` for a line that is none.
PageRead parse_page(std::string_view line, const std::string& where);

// The pages of part of a file. Throws Error with file:line for a broken line, and where the file
// ends before the part does.
std::vector<PageRead> read_pages(const std::filesystem::path& path, ByteRange range);

}  // namespace llmsweep

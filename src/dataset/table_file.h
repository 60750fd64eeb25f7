// A dataset that is a table of cells between commas, semicolons or tabs, as JSON lines.
#pragma once

#include <optional>
#include <string>

namespace llmsweep {

// The descriptor of a file with a record a row, which has the columns that records are read by, in
// any case; nothing where the file `fd` does not begin with a line that names one of text. Throws
// Error: a cell that does not end, no room.
std::optional<int> json_lines_of_table(int fd, const std::string& name);

}  // namespace llmsweep

// A dataset that is a table of cells between commas, semicolons or tabs, or a text of a prompt a
// line, as JSON lines.
#pragma once

#include <optional>
#include <string>

namespace llmsweep {

// The descriptor of a file with a record a row, which has the columns that records are read by, in
// any case; nothing where the file `fd` does not begin with a line that names one of text.
// `column` names that of the prompts, and "lines", where none is called so, makes each line of the
// file a prompt; empty: by the names that records have. Throws Error: a column that is not there, a
// cell that does not end, no room.
std::optional<int> json_lines_of_table(int fd, const std::string& name, const std::string& column);

}  // namespace llmsweep

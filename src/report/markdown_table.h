// A table as GitHub's Markdown. Private to report/.
#pragma once

#include <string>

#include "report/text_table.h"

namespace llmsweep::report {

// Its title in bold, the columns with their units, the footer; cells are escaped.
std::string markdown_table(const TextTable& table);

}  // namespace llmsweep::report

// Where a command writes, and what the terminal behind it can show.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "llmsweep/report/progress.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

struct Console {
  std::ostream& out;  // results
  std::ostream& err;  // progress, warnings, errors
  TableStyle out_style;
  Terminal err_terminal;
  std::vector<std::string> args = {};  // the words of the command line after the program's name
};

}  // namespace llmsweep

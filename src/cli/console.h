// Where a command writes, and what the terminal behind it can show.
#pragma once

#include <iosfwd>

#include "llmsweep/report/progress.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

struct Console {
  std::ostream& out;  // results
  std::ostream& err;  // progress, warnings, errors
  TableStyle out_style;
  Terminal err_terminal;
};

}  // namespace llmsweep

#include "analysis/whole_result.h"

#include <fmt/format.h>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

void require_whole(const SweepResult& result) {
  if (!result.part || result.part->of < 2) return;
  throw Error({.what = fmt::format("holds the requests of part {}/{} alone: the load was larger",
                                   result.part->rank, result.part->of),
               .where = printable(result.name),
               .next = "llmsweep merge PART... --out FOLDER makes the result of all parts"});
}

}  // namespace llmsweep

// Which keys of a foreign file say what the system is. Private to import/.
#pragma once

#include <string>
#include <string_view>

#include "import/import_run.h"

namespace llmsweep::foreign {

// Of a row or file whose every word is about its system, workload or run: words, booleans, whole
// numbers that are sizes (tp, num_decode_gpu, isl), and objects of words ({name, version}). What
// names the run (dates, URLs, ids) and figures are none.
Facts facts_of_row(const Json& row);

// Of a file with keys that its user made up (--metadata KEY=VALUE), beside many that are figures:
// the scalars whose key names a part of a system: ("ep", "kv_offloading", "decode_dp_size",
// "quantization").
Facts facts_of_metadata(const Json& file);

// "none", "off", "false", "no", "0" in any case, or nothing.
bool says_none(std::string_view value);

}  // namespace llmsweep::foreign

// What the measuring host is, and what the server says it is.
#pragma once

#include "llmsweep/model/result.h"

namespace llmsweep {

// Fills host, cores, kernel, the boot and libcurl.
void describe_host(Provenance& provenance);

// Whether the server calls itself our simulator, in its Server header or in its list of models: a
// gateway may replace the first. Wherever its address came from.
bool is_simulator(const Provenance& provenance);

}  // namespace llmsweep

// What the measuring host is.
#pragma once

#include "llmsweep/model/result.h"

namespace llmsweep {

// Fills host, cores, kernel and libcurl.
void describe_host(Provenance& provenance);

}  // namespace llmsweep

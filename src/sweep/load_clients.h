// The connections that a sweep's load goes over.
#pragma once

#include <memory>
#include <vector>

#include "llmsweep/http/http_client.h"
#include "llmsweep/model/part.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

// One for each load loop, each used by that loop's thread only.
using LoadClients = std::vector<std::unique_ptr<HttpClient>>;

// As many as client.threads says; 0: one for every 2,048 streams of the largest level, and no more
// than there are cores. Raises the limit on descriptors to what the streams need. Throws Error
// where that limit or the range of ports is too small for them. Of one of several clients its share
// of the streams counts.
LoadClients make_load_clients(const SweepSpec& spec, const Preflight& preflight,
                              const Connection& connection, const Part& part = {});

}  // namespace llmsweep

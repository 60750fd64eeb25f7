// The rates of an open loop over a run's time, under its timeline. Private to report/.
#pragma once

#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/report/html.h"
#include "report/gauge_strip.h"

namespace llmsweep::report {

// "planned" (what the spec asks for: a profile's steps), "sent" and "served", requests a second,
// one below the other on one scale; served are those that ended well. Sent and served are counted
// in equal bins, of ten requests on average. Empty of a closed loop, of users, where the result has
// no such run, and of a run without requests.
std::vector<GaugeStrip> rate_strips(const SweepResult& result, const RunRequests& requests);

}  // namespace llmsweep::report

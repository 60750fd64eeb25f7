// What the pages of one run say together: differences of counters, means of gauges, who else was
// on the server.
//
// Rules (docs/telemetry.md): a counter that falls was reset, and a series that comes or goes
// between two pages makes their difference unknown (but for a whole family that appears: Dynamo has
// none before the first request). Unknown is absent, with its reason, never 0.
#pragma once

#include <span>
#include <vector>

#include "llmsweep/model/telemetry.h"

namespace llmsweep {

// `pages` are of one run, in order of `asked`. Without any: nothing. Sources are told apart by URL.
// The instant of a page is halfway between `asked` and `answered`, and the client's counts are
// interpolated to it.
// `gpus`: of the system, 0 where they are not stated.
RunTelemetry summarise_telemetry(std::span<const PageRead> pages, int gpus = 0);

// The gauges of one run's pages in declaration order, of all sources together as above: at the
// instants of the first source's pages, of the others the page that is nearest.
std::vector<GaugeTrack> gauge_tracks(std::span<const PageRead> pages);

}  // namespace llmsweep

// What reading a server's pages of metrics does to its answers, from the run itself.
//
// A page at a uniformly random time that takes d meets a gap of length g with a chance that goes as
// g + d, so that where pages change nothing the mean of the gaps that they meet is
//   (Σg² + d·Σg) ÷ (Σg + N·d)
// over all N gaps of the run: the mean of all shifts of the pages in time, without drawing them.
// Pages inside the window come every few seconds, whatever the server does; those at its edges come
// where requests begin and end, and are left out. The error is that of a ratio of sums over pages
// (Cochran, Sampling Techniques, 6.4): the gaps that one page meets are of one moment.
#pragma once

#include <optional>
#include <span>

#include "llmsweep/model/histogram.h"
#include "llmsweep/model/telemetry.h"

namespace llmsweep {

// `pages` are of one run, in order of `asked`; `gaps` between chunks are of that run, all streams'.
// Nothing where no page between the edges met a gap.
std::optional<ScrapeInfluence> scrape_influence(std::span<const PageRead> pages,
                                                const Histogram& gaps);

}  // namespace llmsweep

// What may be said of a target: a limit on a figure of a level, or several that have to hold
// together (a tier of service). Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/spec.h"

namespace llmsweep {

// The name by which a target says a limit on TPOT as a speed.
inline constexpr std::string_view kDecodeSpeed = "decode_speed";

// TPOT at most 1 ÷ `min_tps`: as many of the requests decode that fast as the statistic says.
Target at_decode_speed(Statistic statistic, double min_tps);

// The limits that have to hold, each by itself; of a plain target itself.
std::vector<Target> parts_of(const Target& target);
// Of all of them, each limit once.
std::vector<Target> parts_of(std::span<const Target> targets);

// In ms; of several limits 1, as figures then are shares of theirs.
double limit_of(const Target& target);

// "e2e:p50:15s", "decode_speed:p95:30"; several with "+" between them. Error with what is right
// where the text is no target.
Target parse_target(std::string_view text);
std::string format_target(const Target& target);

}  // namespace llmsweep

// How long a server asks its client to wait (RFC 9110, 10.2.3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// What a JSON reader that knows only doubles still reads exactly: 285,000 years.
constexpr std::chrono::milliseconds kLongestRetryAfter{(int64_t{1} << 53) - 1};

// Of a raw header block: seconds, a fraction of them too, rounded up to a whole millisecond, or a
// date in any of the three forms of HTTP. A date is taken against the block's own Date, and where
// it has none against `now`, since 1970 by the client's clock of the day. At most
// kLongestRetryAfter; absent where there is none or it cannot be read.
std::optional<std::chrono::milliseconds> retry_after(std::string_view header_block,
                                                     std::optional<Duration> now = {});

}  // namespace llmsweep

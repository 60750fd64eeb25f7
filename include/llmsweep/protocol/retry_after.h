// How long a server asks its client to wait (RFC 9110, 10.2.3).
#pragma once

#include <optional>
#include <string_view>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// Of a raw header block. Seconds, or a date, which is taken against the block's own Date so that no
// clock of ours is asked. At most a day; absent where there is none or it cannot be read.
std::optional<Duration> retry_after(std::string_view header_block);

}  // namespace llmsweep

// Foreign values of a chunk, taken for what they are: another type counts as absent.
//
// Whoever includes it includes simdjson.h itself: that is how a unity build knows to leave it out.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmsweep {

std::string_view text_of(simdjson::dom::element value);
// A count of tokens; one that nobody can mean leaves `count` as it is.
void read_count(simdjson::dom::element value, std::optional<int64_t>& count);
void read_milliseconds(simdjson::dom::element value, std::optional<int64_t>& microseconds);
// null, "", false and a missing member mean that nothing is wrong.
bool is_error(simdjson::dom::element value);
// Non-empty text, or a non-empty list or object (content parts, tool calls).
bool carries_something(simdjson::dom::element value);

}  // namespace llmsweep

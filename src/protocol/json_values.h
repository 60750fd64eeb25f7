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
// A count of tokens, a number or its digits in a text; one that nobody can mean leaves `count` as
// it is.
void read_count(simdjson::dom::element value, std::optional<int64_t>& count);
void read_milliseconds(simdjson::dom::element value, std::optional<int64_t>& microseconds);
// null, "", false, 0 and a missing member mean that nothing is wrong.
bool is_error(simdjson::dom::element value);
// Whose `data` is no text: that of a thought is its encryption.
enum class Within { kOutput, kThoughts };
// The first text that is not empty: `value` itself, or of the parts in it (content parts, tool
// calls) whatever is no label of a part, such as its type or id. Empty: it holds no character.
std::string_view text_within(simdjson::dom::element value, Within within, int depth = 0);

}  // namespace llmsweep

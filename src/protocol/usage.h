// The counts of tokens that a server reports, under whatever names and in whatever place.
//
// Whoever includes it includes simdjson.h itself: that is how a unity build knows to leave it out.
#pragma once

#include <simdjson.h>

#include "protocol/chunk.h"

namespace llmsweep {

// The members of `usage` and of the objects in it (`…_details`). Another type counts as absent.
void read_usage(const simdjson::dom::element& usage, Chunk& chunk);

// `usage` inside an object that only some server knows: `x_groq`, say.
void read_nested_usage(const simdjson::dom::object& object, Chunk& chunk);

// llama.cpp's own measurement, an object in the last chunk of each of its APIs; its counts go to
// `counts`: with them a chunk without usage is not without a count.
void read_timings(simdjson::dom::element value, Chunk& chunk, Chunk& counts);

}  // namespace llmsweep

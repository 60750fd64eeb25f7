// What the APIs that answer with a list of results share: embeddings_api.cc, rerank_api.cc.
//
// Whoever includes it includes simdjson.h itself: that is how a unity build knows to leave it out.
#pragma once

#include <simdjson.h>

#include <string_view>

#include "protocol/chunk.h"

namespace llmsweep {

// The results under `key`, the usage, the id and the model; an `error` in their place. `is_filled`:
// whether an item of the list holds what was requested.
void read_result_list(const simdjson::dom::object& answer, std::string_view key,
                      bool (*is_filled)(const simdjson::dom::object& item), Chunk& chunk);

}  // namespace llmsweep

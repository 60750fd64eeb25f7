// A spec as JSON: the keys of spec_keys.h. Private to spec/.
#pragma once

#include <nlohmann/json.hpp>

#include "llmsweep/model/spec.h"

namespace llmsweep {

using SpecJson = nlohmann::ordered_json;

// What spec_to_json() writes, as a value.
SpecJson spec_json(SweepSpec spec);

}  // namespace llmsweep

// A spec, from its parsed text: the keys of spec_keys.h. Private to spec/.
#pragma once

#include "llmsweep/base/config.h"
#include "llmsweep/model/spec.h"
#include "spec/spec_paths.h"

namespace llmsweep {

SweepSpec read_spec(const ConfigNode& root, const SpecPaths& paths);

SystemSpec read_system(const ConfigNode& node);
PriceSpec read_prices(const ConfigNode& node);  // absent: none

}  // namespace llmsweep

// A system as its user states it over what a file says of it.
#pragma once

#include "llmsweep/model/spec.h"

namespace llmsweep {

// What is stated wins over what `system` says. Stated is what is no key's default.
SystemSpec stated_over(const SystemSpec& stated, SystemSpec system);

}  // namespace llmsweep

// Counts what operator new gave out. Linking counter.cc replaces the program's operator new.
#pragma once

#include <cstdint>

namespace llmsweep {

uint64_t allocations_of_this_thread();

}  // namespace llmsweep

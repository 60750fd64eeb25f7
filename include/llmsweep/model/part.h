// One of several client machines that share the load of a sweep: which part of its one schedule is
// its own. Slots of a closed loop and arrivals of an open one are numbered through all of it.
#pragma once

#include <cstdint>

namespace llmsweep {

struct Part {
  uint32_t rank = 0;  // from 0
  uint32_t of = 1;

  bool is_whole() const { return of == 1; }
  bool owns(uint32_t number) const { return number % of == rank; }
  // Of `count` numbers from 0, rounded up.
  uint32_t share_of(uint32_t count) const { return (count + of - 1) / of; }

  bool operator==(const Part&) const = default;
};

}  // namespace llmsweep

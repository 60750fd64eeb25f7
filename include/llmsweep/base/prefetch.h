// Asks the processor for memory that will be read soon: what belongs to one stream among hundreds
// has left its caches by the time that the stream's next chunk comes.
#pragma once

#include <cstddef>

namespace llmsweep {

// All cache lines of `object`, which need not be alive: nothing is read. The lines are taken to be
// of 64 bytes; where they are not, it is only slower.
template <class T>
inline void prefetch(const T* object) {
  constexpr size_t kLine = 64;
  const char* const bytes = reinterpret_cast<const char*>(object);
  for (size_t at = 0; at < sizeof(T); at += kLine) __builtin_prefetch(bytes + at, 1);
}

}  // namespace llmsweep

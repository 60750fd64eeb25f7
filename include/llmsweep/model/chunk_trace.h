// The instants of one request's token-bearing chunks, packed: about four bytes a chunk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// One thread an object.
class ChunkTrace {
 public:
  // Not before the one added last. Chunks of one read have the same instant, each its own entry.
  void add(Instant at);

  int64_t count() const { return count_; }
  // LEB128 each: the first instant, CLOCK_MONOTONIC ns, then each difference to the one before.
  std::string_view packed() const { return packed_; }
  std::vector<Instant> instants() const;

 private:
  std::string packed_;
  Instant last_{};
  int64_t count_ = 0;
};

}  // namespace llmsweep

#include "llmsweep/model/chunk_trace.h"

#include <cassert>

#include "llmsweep/base/varint.h"

namespace llmsweep {

void ChunkTrace::add(Instant at) {
  assert(at >= last_);  // a request's chunks come one after the other, on a clock that never steps
  append_varint(packed_, static_cast<uint64_t>((at - last_).count()));
  last_ = at;
  ++count_;
}

std::vector<Instant> ChunkTrace::instants() const {
  std::vector<Instant> instants;
  instants.reserve(static_cast<size_t>(count_));
  std::string_view rest = packed_;
  Instant at{};
  while (const auto step = take_varint(rest)) {
    at += Duration(static_cast<int64_t>(*step));
    instants.push_back(at);
  }
  return instants;
}

}  // namespace llmsweep

// Readers of a stream_endpoint: what a whole client program is compared with, and short answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/spec.h"

namespace llmsweep::bench {

// Opens `streams` streams of `tokens` tokens each at 127.0.0.1:`port` with bare sockets and reads
// them to their end. False where one breaks.
bool read_streams(int port, int streams, int tokens);

struct Answers {
  int64_t count = 0;
  double per_second = 0;
  double cpu_us = 0;  // an answer
};

// Short answers one after the other on each of `slots` kept connections, for `duration`: with bare
// sockets, or with our client and its response reader over `transport`.
Answers count_answers(int port, int slots, Duration duration, std::optional<Transport> transport);

}  // namespace llmsweep::bench

// Readers of the same streams: the barest one possible, and our client as the load loop drives it.
//
// All read from a StreamSender, a process on CPU 1; the caller is pinned to CPU 0.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "llmsweep/model/spec.h"
#include "stream_sender.h"

namespace llmsweep::bench {

struct Reading {
  double cpu_us_per_chunk = 0;
  double wall_s = 0;  // of the chunks, without the opening
  int64_t chunks = 0;
  int64_t reads = 0;        // that gave bytes
  int64_t iterations = 0;   // waits for events
  double busy = 0;          // share of the time outside those waits
  double error_p50_us = 0;  // |stamp − recorded send|
  double error_p99_us = 0;
  double own_p50_us = 0;     // the client's own account: kernel arrival → stamp
  double allocations = 0;    // a chunk, of the reading thread
  double kb_per_stream = 0;  // resident memory once all have streamed, above before
  bool complete = true;      // every byte came and nothing else
};

// epoll_wait, recv (under TLS OpenSSL's SSL_read on the socket), count.
Reading read_bare(const SenderLoad& load);

struct ClientKind {
  Transport transport = Transport::kSockets;
  bool receive_stamps = true;
  bool parse = true;  // into a request record each, as the load loop does
};
Reading read_with_client(const SenderLoad& load, const ClientKind& kind);

double quantile(std::vector<double> values, double q);  // 0 for none

// `readers` take turns, so that what disturbs the machine disturbs all. readings[i][round].
std::vector<std::vector<Reading>> take_turns(const std::vector<std::function<Reading()>>& readers,
                                             int rounds);

}  // namespace llmsweep::bench

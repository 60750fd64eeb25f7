// The seam between the load loop and the network.
//
// One thread owns a client. The load loop calls start() and cancel(), and poll() returns what
// happened, oldest first, each event with the instant at which it was seen. No callbacks, no locks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// Chosen by the caller; unique among the requests in flight of one client.
using RequestId = uint64_t;

// The body is shared, never copied per send.
struct HttpRequest {
  std::shared_ptr<const std::string> body;
  uint32_t endpoint = 0;  // which of the client's URLs
};

struct HttpEvent {
  enum class Kind {
    kSent,     // the request is being handed to the network stack (connected already)
    kHeaders,  // the response's header block is complete; `status` is set. `at` is its first byte
    kBytes,    // body bytes
    kEnd,      // the response ended as HTTP says it should
    kFailure,  // it did not; `text` says why. No further event of this request
  };
  Kind kind = Kind::kSent;
  RequestId id = 0;
  Instant at{};
  int status = 0;             // kHeaders
  bool new_connection = false;  // kSent: this request opened a connection
  bool timed_out = false;     // kFailure: a connect or transfer time-out of the transport
  // kBytes: the bytes. kFailure: the reason. kHeaders: the raw header block, cut at its limit.
  // Valid until the next poll().
  std::string_view text;
};

// What the transport knows of its own delay; sums since the client was made or since
// reset_health().
struct TransportHealth {
  bool receive_stamps = false;          // the kernel gives receive time stamps
  std::vector<Duration> receive_delays;  // sampled: kernel arrival → our stamp (≤ 65,536 kept)
  Duration busy{};       // time outside the wait for events
  Duration waited{};     // time inside it
  int64_t iterations = 0;
  int64_t reads = 0;     // deliveries of body bytes
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual void start(RequestId id, const HttpRequest& request) = 0;
  // Its connection is closed; no further event of it comes.
  virtual void cancel(RequestId id) = 0;
  // Clears `events`, waits until something happened or `deadline` has passed, and appends what
  // happened. An empty result means that the deadline has passed. A deadline in the past still
  // collects what is there.
  virtual void poll(Instant deadline, std::vector<HttpEvent>& events) = 0;
  virtual const TransportHealth& health() const = 0;
  virtual void reset_health() = 0;
};

}  // namespace llmsweep

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
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// Chosen by the caller; unique among the requests in flight of one client.
using RequestId = uint64_t;

// The body is shared, never copied per send.
struct HttpRequest {
  static constexpr uint32_t kAnyLane = UINT32_MAX;

  std::shared_ptr<const std::string> body;
  std::vector<std::string> headers = {};  // more, each "name: value", beside the client's
  uint32_t endpoint = 0;                  // which of the client's URLs
  // The slot that sends it. Requests of one lane share the connections of one group, so that a
  // slot finds its connection again. kAnyLane: the group with the fewest requests in flight.
  uint32_t lane = kAnyLane;
};

struct HttpEvent {
  enum class Kind {
    kSent,     // the request is being handed to the network stack (connected already)
    kHeaders,  // the response's header block is complete; `status` is set. `at` is its first byte
    kBytes,    // body bytes, all that one read gave: what completes in it shares `at`
    kEnd,      // the response ended as HTTP says it should
    kFailure,  // it did not; `text` says why. No further event of this request
  };
  Kind kind = Kind::kSent;
  RequestId id = 0;
  Instant at{};
  // kBytes: when the kernel had them (of bytes that it merged while they waited, the newest), at
  // most `at`. Of every watched read, those of a wake after a pause, and a sample of the others, as
  // far as the kernel stamps them. Where one wake reads several times (libcurl), of the first.
  std::optional<Instant> received;
  int status = 0;               // kHeaders
  bool new_connection = false;  // kSent: this request opened a connection
  // kSent, the second one of a request: the kept connection that it was first written to turned
  // out to be closed before a byte was answered, and it was sent again on a new one. Never later
  // than kResendWindow after the first send: from then on a silent close is a failure.
  bool resent = false;
  bool timed_out = false;  // kFailure: a connect or transfer time-out of the transport
  // kBytes: the bytes. kFailure: the reason, safe to show, without credentials. kHeaders: the raw
  // header block. Valid until the next poll().
  std::string_view text;
};

constexpr Duration kResendWindow = std::chrono::milliseconds(250);

// What the transport knows of its own delay; sums since the client was made or since
// reset_health().
struct TransportHealth {
  bool receive_stamps = false;  // the kernel gives receive time stamps
  // Sampled: kernel arrival → our stamp. At most 65,536, and over 1,024 at most 250 a second: else
  // every second one is dropped and half as many are taken from then on, so that they stay spread
  // evenly over the run.
  std::vector<Duration> receive_delays;
  Duration receive_delay_max{};  // of all that were sampled
  // Time that looks at the stamps took that were calls of their own (libcurl); part of `busy`.
  Duration receive_sampling{};
  Duration busy{};              // time outside the wait for events
  Duration waited{};            // time inside it; a wait that did not sleep counts as busy
  int64_t iterations = 0;       // waits for events
  int64_t reads = 0;            // deliveries of body bytes: kBytes events
  int64_t new_connections = 0;  // requests that opened one
  int64_t resends = 0;          // kSent events with `resent`
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual void start(RequestId id, const HttpRequest& request) = 0;
  // Its connection is closed; no further event of it comes. An id that is not in flight: nothing.
  virtual void cancel(RequestId id) = 0;
  // Whether the reads of a request carry `received`: they do from its start on. What such a read
  // costs more (sockets 0.2 us, libcurl a call) is spared where nobody needs to know. An id
  // that is not in flight: nothing.
  virtual void watch(RequestId /*id*/, bool /*on*/) {}
  // Clears `events`, waits until something happened or `deadline` has passed, and appends what
  // happened. An empty result means that the deadline has passed. A deadline in the past still
  // collects what is there.
  virtual void poll(Instant deadline, std::vector<HttpEvent>& events) = 0;
  virtual const TransportHealth& health() const = 0;
  virtual void reset_health() = 0;
};

}  // namespace llmsweep

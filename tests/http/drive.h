// Runs a client until what a test waits for has happened, and keeps what it was told.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/raw_server.h"
#include "llmsweep/http/make_client.h"

namespace llmsweep::test {

struct Seen {
  std::vector<HttpEvent::Kind> kinds;  // successive kBytes as one
  int status = 0;
  std::string headers;
  std::string bytes;
  std::string failure;
  bool timed_out = false;
  bool ended = false;  // kEnd or kFailure
  int sent = 0;
  int resent = 0;
  int new_connections = 0;
  int deliveries = 0;  // kBytes events
  std::vector<Instant> at;
};

inline std::shared_ptr<const std::string> shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

inline HttpClientOptions options_for(const RawServer& server, Transport transport) {
  HttpClientOptions options;
  options.transport = transport;
  options.urls = {server.url()};
  return options;
}

// What must hold whichever way the bytes go.
class TransportTest : public testing::TestWithParam<Transport> {};

inline std::string transport_name(const testing::TestParamInfo<Transport>& info) {
  return info.param == Transport::kLibcurl ? "Libcurl" : "Sockets";
}
inline auto both_transports() {
  return testing::Values(Transport::kSockets, Transport::kLibcurl);
}

class Driver {
 public:
  explicit Driver(HttpClientOptions options) : client_(make_http_client(std::move(options))) {}

  HttpClient& client() { return *client_; }
  const Seen& seen(RequestId id) { return seen_[id]; }
  size_t events() const { return count_; }

  void start(RequestId id, std::string body = "{}", uint32_t lane = 0) {
    client_->start(id, {.body = shared(std::move(body)), .lane = lane});
  }

  // One poll of at most 10 s.
  void poll_once() { poll_until(SteadyClock().now() + std::chrono::seconds(10)); }
  void poll_until(Instant deadline);
  // Polls until `id` has ended, for at most 10 s.
  const Seen& finish(RequestId id);
  const Seen& run(RequestId id, std::string body = "{}") {
    start(id, std::move(body));
    return finish(id);
  }

 private:
  void apply(const HttpEvent& event);

  std::unique_ptr<HttpClient> client_;
  std::vector<HttpEvent> batch_;
  std::map<RequestId, Seen> seen_;
  size_t count_ = 0;
};

}  // namespace llmsweep::test

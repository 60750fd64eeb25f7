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

// The way that bytes go.
struct Way {
  Transport transport = Transport::kSockets;
  bool tls = false;
};

inline std::ostream& operator<<(std::ostream& out, const Way& way) {
  out << (way.transport == Transport::kLibcurl ? "Libcurl" : "Sockets");
  return out << (way.tls ? "Tls" : "");
}
inline std::string way_name(const testing::TestParamInfo<Way>& info) {
  return testing::PrintToString(info.param);
}
inline auto all_ways() {
  return testing::Values(Way{}, Way{.tls = true}, Way{.transport = Transport::kLibcurl},
                         Way{.transport = Transport::kLibcurl, .tls = true});
}

// A certificate for the loopback addresses and localhost, the same for all of a process.
const TestCertificate& loopback_certificate();
// A file that holds it.
std::string loopback_authority();

// What must hold whichever way the bytes go: a test's servers and options are of its way.
class TransportTest : public testing::TestWithParam<Way> {
 protected:
  class RawServer : public test::RawServer {
   public:
    explicit RawServer(Script script, RawServerOptions options = {})
        : test::RawServer(std::move(script), of_this_way(std::move(options))) {}

   private:
    static RawServerOptions of_this_way(RawServerOptions options) {
      if (!GetParam().tls) return options;
      options.certificate = loopback_certificate().certificate;
      options.key = loopback_certificate().key;
      return options;
    }
  };

  static HttpClientOptions options_to(const std::string& url) {
    HttpClientOptions options;
    options.transport = GetParam().transport;
    options.urls = {url};
    if (GetParam().tls) options.ca_file = loopback_authority();
    return options;
  }
  static HttpClientOptions options_for(const test::RawServer& server) {
    return options_to(server.url());
  }
};

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

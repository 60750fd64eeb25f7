// HttpClients over our own epoll and timerfd: sockets with our own HTTP/1.1, bare or under TLS, or
// libcurl's multi_socket interface, which costs more a chunk and knows proxies.
//
// HTTP/1.1 only; no redirects, no Expect:, no Accept-Encoding, no proxy unless asked. A response
// that is compressed all the same, or whose headers are longer than the limit, is a kFailure.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/interrupt.h"
#include "llmsweep/base/redactor.h"
#include "llmsweep/http/http_client.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

struct HttpClientOptions {
  Transport transport = Transport::kAuto;
  std::vector<std::string> urls;  // full URLs that requests are POSTed to; HttpRequest::endpoint
  // addresses[i] is where urls[i] is connected to: resolve_endpoint().address, or
  // HttpAnswer::resolved_address. Missing or empty: resolved when the client is made.
  std::vector<std::string> addresses;
  std::vector<std::pair<std::string, std::string>> headers;   // Content-Type is added if missing
  Duration connect_timeout = EndpointSpec{}.connect_timeout;  // TLS handshake included
  size_t max_connections = 64;  // ≥ the concurrency that this client carries
  // An idle connection older than this is not used again; keep it below the server's keep-alive.
  Duration max_idle = std::chrono::seconds(100);
  size_t max_header_bytes = 64 << 10;
  bool use_proxy = false;      // from the environment: http_proxy, https_proxy, no_proxy
  std::string ca_file;         // PEM; empty: the system's authorities
  bool receive_stamps = true;  // sample the kernel's receive stamps, one read in 16
};

// Throws Error for a URL or a header that cannot be used, or a proxy beside sockets,
// MeasurementError where descriptors run out. A host name that does not resolve is no error here,
// nor is a `ca_file` that cannot be read: each request fails and says so.
std::unique_ptr<HttpClient> make_http_client(const HttpClientOptions& options);

// kSockets or kLibcurl: what a client with these options uses.
Transport chosen_transport(Transport asked, const std::string& url, bool use_proxy);

// Raises the process's limit so that `connections` sockets fit beside what else is open.
// MeasurementError, with the command that helps, where the system does not allow that many. Two are
// taken `by_each` whose other end is in this process.
void ensure_descriptors(size_t connections, size_t by_each = 1);
// MeasurementError where the machine has too few local ports for so many connections, spread over
// so many addresses.
void ensure_ports(size_t connections, size_t addresses);

// Where a URL leads. Of several addresses, `address` is the first that accepts a connection (so
// that `localhost` is IPv4 or IPv6, whichever the server listens on); a single one is not tried.
struct ResolvedEndpoint {
  std::string host;  // without brackets, as in the URL
  int port = 0;
  std::string address;                 // "127.0.0.1:8000", "[::1]:8000"; empty: see `error`
  std::vector<std::string> addresses;  // all, in the resolver's order
  std::string error;                   // the name does not resolve, or none of several accepts: why
};
// Throws Error for a URL that cannot be used. `timeout` is for the name, and for each address.
ResolvedEndpoint resolve_endpoint(const std::string& url,
                                  Duration timeout = std::chrono::seconds(5));

// A single blocking request, for checks before a run: GET without a body, POST with one.
// Transport failures come back in `error`; nothing is thrown for them. Throws Error for a URL or a
// header that cannot be used, and InterruptedError.
struct HttpAnswer;
struct HttpExchange {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // empty: GET
  Duration connect_timeout = EndpointSpec{}.connect_timeout;
  Duration timeout = std::chrono::seconds(30);
  size_t max_body_bytes = 16 << 20;
  size_t max_header_bytes = 64 << 10;
  bool use_proxy = false;
  std::string ca_file;
  bool http2 = false;  // speak HTTP/2 without asking, to learn whether the other side does
  // Looks at what has come, after each piece of the body and about once a second while none comes.
  // True: that is all, whatever HTTP says, and the connection is closed. Secrets are still in it.
  std::function<bool(const HttpAnswer& so_far)> enough;
  Redactor secrets;  // of what the server repeats
  // Looked at at least once a second; above 0 the exchange is given up.
  const Interrupts* interrupts = nullptr;
};
// Secrets are gone from all of it. From the body, which is still to be read, only whole ones: pass
// it through a Redactor again before any of it is shown.
struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string error;  // empty: a whole HTTP response came
  bool timed_out = false;
  bool connected = false;        // the request went out
  bool refused = false;          // nobody listens there
  std::string resolved_address;  // "127.0.0.1:8000"
  bool ok() const { return error.empty() && status >= 200 && status < 300; }
};
HttpAnswer http_exchange(const HttpExchange& exchange);

std::string libcurl_version();  // "libcurl 7.88.1, OpenSSL/3.0.15"

}  // namespace llmsweep

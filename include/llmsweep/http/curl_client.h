// HttpClient over libcurl's multi_socket interface with our own epoll and timerfd.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/http/http_client.h"

namespace llmsweep {

struct CurlClientOptions {
  std::vector<std::string> urls;  // full URLs that requests are POSTed to; HttpRequest::endpoint
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Type is added
  Duration connect_timeout = std::chrono::seconds(10);
  size_t max_connections = 64;       // ≥ the concurrency that this client carries
  size_t max_header_bytes = 64 << 10;
  bool use_proxy = false;
  std::string ca_file;
  bool receive_stamps = true;  // sample the kernel's receive stamps, one read in 16
};

// Throws Error for a URL that cannot be used, MeasurementError where descriptors run out.
std::unique_ptr<HttpClient> make_curl_client(CurlClientOptions options);

// A single blocking request, for checks before a run: GET without a body, POST with one.
// Transport failures come back in `error`; nothing is thrown for them.
struct HttpExchange {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // empty: GET
  Duration connect_timeout = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(30);
  size_t max_body_bytes = 16 << 20;
  bool use_proxy = false;
  std::string ca_file;
};
struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string error;            // empty: an HTTP response came
  std::string resolved_address;  // "127.0.0.1:8000"
  bool ok() const { return error.empty() && status >= 200 && status < 300; }
};
HttpAnswer http_exchange(const HttpExchange& exchange);

std::string libcurl_version();

}  // namespace llmsweep

#include "llmsweep/http/make_client.h"

#include <algorithm>

#include "http/clients.h"
#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

// Where each target is connected to; "" where the name does not resolve, or behind a proxy.
std::vector<std::string> choose_addresses(const HttpClientOptions& options) {
  std::vector<std::string> addresses = options.addresses;
  addresses.resize(options.urls.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (options.use_proxy) {
      addresses[i].clear();
    } else if (addresses[i].empty()) {
      addresses[i] = resolve_endpoint(options.urls[i], options.connect_timeout).address;
    }
  }
  return addresses;
}

}  // namespace

Transport chosen_transport(Transport asked, const std::string& url, bool use_proxy) {
  if (use_proxy && asked == Transport::kSockets) {
    throw Error({.what = "our own sockets do not speak to a proxy",
                 .where = "client.transport",
                 .next = "use auto or libcurl"});
  }
  if (asked != Transport::kAuto) return asked;
  return use_proxy || http::parse_target(url).tls ? Transport::kLibcurl : Transport::kSockets;
}

std::unique_ptr<HttpClient> make_http_client(const HttpClientOptions& options) {
  if (options.urls.empty()) {
    throw Error({.what = "no URL to send requests to", .where = "", .next = "give at least one"});
  }
  ensure_descriptors(options.max_connections);
  std::vector<http::Target> targets;
  for (const std::string& url : options.urls) targets.push_back(http::parse_target(url));
  const std::vector<std::string> addresses = choose_addresses(options);
  // A name that does not resolve is for libcurl to fail at, request by request.
  const bool resolved = std::none_of(addresses.begin(), addresses.end(),
                                     [](const std::string& text) { return text.empty(); });
  const bool sockets =
      std::all_of(options.urls.begin(), options.urls.end(), [&](const std::string& url) {
        return chosen_transport(options.transport, url, options.use_proxy) == Transport::kSockets;
      });
  if (resolved && sockets) return http::make_socket_client(options, targets, addresses);
  return http::make_libcurl_client(options, targets, addresses);
}

}  // namespace llmsweep

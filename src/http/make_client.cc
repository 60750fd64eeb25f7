#include <algorithm>

#include "http/clients.h"
#include "llmsweep/base/error.h"
#include "llmsweep/http/curl_client.h"

namespace llmsweep {
namespace {

// Where each target is connected to; "" where the name does not resolve, or behind a proxy.
std::vector<std::string> choose_addresses(const CurlClientOptions& options) {
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

std::unique_ptr<HttpClient> make_curl_client(CurlClientOptions options) {
  if (options.urls.empty()) {
    throw Error({.what = "no URL to send requests to", .where = "", .next = "give at least one"});
  }
  ensure_descriptors(options.max_connections);
  std::vector<http::Target> targets;
  for (const std::string& url : options.urls) targets.push_back(http::parse_target(url));
  const std::vector<std::string> addresses = choose_addresses(options);
  const bool plain =
      std::none_of(targets.begin(), targets.end(), [](const auto& target) { return target.tls; }) &&
      std::none_of(addresses.begin(), addresses.end(),
                   [](const auto& text) { return text.empty(); });
  if (plain && options.transport == Transport::kAuto) {
    return http::make_plain_client(options, targets, addresses);
  }
  return http::make_libcurl_client(options, targets, addresses);
}

}  // namespace llmsweep

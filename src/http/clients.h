// The two implementations of HttpClient. targets[i] is connected to at addresses[i]
// ("127.0.0.1:8000").
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/curl_handle.h"
#include "llmsweep/http/http_client.h"
#include "llmsweep/http/make_client.h"

namespace llmsweep::http {

// libcurl's multi_socket interface: proxies, and names (an empty address) that libcurl resolves
// itself. One read costs libcurl 1.0 to 1.5 us beside the receive.
std::unique_ptr<HttpClient> make_libcurl_client(const HttpClientOptions& options,
                                                const std::vector<Target>& targets,
                                                const std::vector<std::string>& addresses);

// Our own sockets, bare or under TLS: one read costs one recv(2), and nothing is searched for a new
// request.
std::unique_ptr<HttpClient> make_socket_client(const HttpClientOptions& options,
                                               const std::vector<Target>& targets,
                                               const std::vector<std::string>& addresses);

}  // namespace llmsweep::http

#include "http/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep::http {

SocketAddress parse_socket_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_int(text.substr(colon + 1));
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  SocketAddress address;
  in_addr v4{};
  in6_addr v6{};
  if (port && *port > 0 && *port < 65536 && inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    sockaddr_in full{};
    full.sin_family = AF_INET;
    full.sin_port = htons(static_cast<uint16_t>(*port));
    full.sin_addr = v4;
    std::memcpy(&address.storage, &full, sizeof(full));
    address.size = sizeof(full);
  } else if (port && *port > 0 && *port < 65536 && inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    sockaddr_in6 full{};
    full.sin6_family = AF_INET6;
    full.sin6_port = htons(static_cast<uint16_t>(*port));
    full.sin6_addr = v6;
    std::memcpy(&address.storage, &full, sizeof(full));
    address.size = sizeof(full);
  } else {
    throw Error({.what = "'" + printable(text) + "' is not an address and a port",
                 .where = "",
                 .next = "write it as 127.0.0.1:8000 or [::1]:8000"});
  }
  return address;
}

}  // namespace llmsweep::http

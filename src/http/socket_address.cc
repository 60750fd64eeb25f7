#include "http/socket_address.h"

#include <netdb.h>

#include <cstring>
#include <memory>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep::http {
namespace {

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

SocketAddress parse_socket_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const bool usable =
      !host.empty() && !port.empty() && getaddrinfo(host.c_str(), port.c_str(), &hints, &raw) == 0;
  const std::unique_ptr<addrinfo, AddressListDeleter> list(raw);
  if (!usable) {
    throw Error({.what = "'" + printable(text) + "' is not an address and a port",
                 .where = "",
                 .next = "write it as 127.0.0.1:8000 or [::1]:8000"});
  }
  SocketAddress address;
  std::memcpy(&address.storage, list->ai_addr, list->ai_addrlen);
  address.size = list->ai_addrlen;
  return address;
}

}  // namespace llmsweep::http

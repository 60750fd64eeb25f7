#pragma once

#include <sys/socket.h>

#include <string>

namespace llmsweep::http {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// "127.0.0.1:8000", "[::1]:8000". Throws Error for anything else.
SocketAddress parse_socket_address(const std::string& text);

}  // namespace llmsweep::http

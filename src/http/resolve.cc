#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "http/curl_handle.h"
#include "llmsweep/http/make_client.h"

namespace llmsweep {
namespace {

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// 0, or the errno that says why no connection came about.
int try_connect(const addrinfo& address, Duration timeout) {
  const Descriptor fd(
      socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  if (fd.get() < 0) return errno;
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  if (::poll(&waiting, 1, static_cast<int>(ms)) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

std::string to_text(const addrinfo& address, int port) {
  char host[NI_MAXHOST] = {};
  if (getnameinfo(address.ai_addr, address.ai_addrlen, host, sizeof(host), nullptr, 0,
                  NI_NUMERICHOST) != 0) {
    return {};
  }
  return http::join_host_port(host, port);
}

// The first that accepts a connection; the first one, with the reasons, where none does.
// `entries` matches result.addresses.
void choose(const std::vector<const addrinfo*>& entries, Duration timeout,
            ResolvedEndpoint& result) {
  std::string failures;
  for (size_t i = 0; i < entries.size(); ++i) {
    const int error = try_connect(*entries[i], timeout);
    if (error == 0) {
      result.address = result.addresses[i];
      return;
    }
    failures += (failures.empty() ? "" : "; ") + result.addresses[i] + ": " + std::strerror(error);
  }
  result.address = result.addresses.front();
  result.error =
      "cannot connect to " + http::join_host_port(result.host, result.port) + " (" + failures + ")";
}

}  // namespace

ResolvedEndpoint resolve_endpoint(const std::string& url, Duration timeout) {
  const http::Target target = http::parse_target(url);
  ResolvedEndpoint result;
  result.host = target.host;
  result.port = target.port;

  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const int code =
      getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &raw);
  const std::unique_ptr<addrinfo, AddressListDeleter> list(raw);
  if (code != 0) {
    result.error = "the name of " + target.name() + " does not resolve: " + gai_strerror(code);
    return result;
  }
  std::vector<const addrinfo*> entries;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    const std::string text = to_text(*entry, target.port);
    const auto& known = result.addresses;
    if (text.empty() || std::find(known.begin(), known.end(), text) != known.end()) continue;
    result.addresses.push_back(text);
    entries.push_back(entry);
  }
  if (entries.size() > 1) {
    choose(entries, timeout, result);
  } else if (!entries.empty()) {
    result.address = result.addresses.front();
  }
  return result;
}

}  // namespace llmsweep

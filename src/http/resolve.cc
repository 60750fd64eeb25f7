#include "llmsweep/http/make_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "http/curl_handle.h"
#include "llmsweep/base/descriptor.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/base/thread.h"

namespace llmsweep {
namespace {

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListDeleter>;

struct Lookup {
  int code = EAI_AGAIN;
  AddressList list;
};

Lookup look_up(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* raw = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
  return {.code = code, .list = AddressList(raw)};
}

// The system asks each of its name servers several times, which may take minutes, and cannot be
// stopped: a thread that nobody waits for any more ends with the process, or when it is answered.
struct PendingLookup {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Lookup> lookup;  // guarded by mutex
};

// Nothing where it takes longer than `timeout`.
std::optional<Lookup> look_up_within(const std::string& host, int port, Duration timeout) {
  Lookup numeric = look_up(host, port, AI_NUMERICHOST);
  if (numeric.code == 0) return numeric;
  const auto pending = std::make_shared<PendingLookup>();
  try {
    start_thread("resolver", [pending, host, port] {
      Lookup lookup = look_up(host, port, 0);
      const std::lock_guard lock(pending->mutex);
      pending->lookup = std::move(lookup);
      pending->answered.notify_one();
    }).detach();
  } catch (const MeasurementError&) {  // no room for a thread
    return look_up(host, port, 0);
  }
  std::unique_lock lock(pending->mutex);
  pending->answered.wait_for(lock, timeout, [&] { return pending->lookup.has_value(); });
  return std::move(pending->lookup);
}

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

  const std::optional<Lookup> found = look_up_within(target.host, target.port, timeout);
  if (!found || found->code != 0) {
    result.error = "the name of " + target.name() + " does not resolve" +
                   (found ? std::string(": ") + gai_strerror(found->code)
                          : " within " + format_duration(timeout));
    return result;
  }
  std::vector<const addrinfo*> entries;
  for (const addrinfo* entry = found->list.get(); entry != nullptr; entry = entry->ai_next) {
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

#include "llmsweep/http/make_client.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

// Result files, epoll sets, timers, resolver sockets and what libraries open for a moment.
constexpr size_t kSpare = 64;

size_t count_open_descriptors() {
  std::error_code error;
  size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

// Ports that connections to one address and port can start from; 0: not known.
size_t count_local_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  size_t first = 0;
  size_t last = 0;
  return file >> first >> last && last >= first ? last - first + 1 : 0;
}

}  // namespace

void ensure_ports(size_t connections, size_t addresses) {
  const size_t ports = count_local_ports();
  if (ports == 0 || connections <= ports * std::max<size_t>(1, addresses)) return;
  throw MeasurementError(
      {.what = std::to_string(connections) + " connections to " + std::to_string(addresses) +
               " address(es): this machine has " + std::to_string(ports) + " local ports for each",
       .where = "",
       .next = "widen net.ipv4.ip_local_port_range, let the endpoint listen on more addresses, or "
               "use less concurrency (of a rate: load.max_in_flight)"});
}

void ensure_descriptors(size_t connections, size_t by_each) {
  const size_t needed = count_open_descriptors() + connections * by_each + kSpare;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  const rlim_t hard = limit.rlim_max;
  limit.rlim_cur = needed;
  limit.rlim_max = std::max<rlim_t>(hard, needed);  // only with the privilege to
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  throw MeasurementError(
      {.what = std::to_string(connections) + " connections need " + std::to_string(needed) +
               " file descriptors, the system allows this process " + std::to_string(hard),
       .where = "",
       .next = "raise the limit with 'ulimit -n " + std::to_string(needed) +
               "' (the hard limit: ulimit -Hn), or use less concurrency (of a rate: "
               "load.max_in_flight)"});
}

}  // namespace llmsweep

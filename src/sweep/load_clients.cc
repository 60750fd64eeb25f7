#include "sweep/load_clients.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>

#include "llmsweep/http/make_client.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/sweep/prediction.h"

namespace llmsweep {
namespace {

constexpr int kStreamsPerLoop = 2048;
constexpr double kRequestsPerLoop = 5000;  // a second

int loops_for(const SweepSpec& spec, const Preflight& preflight, const Part& part) {
  if (spec.client.threads > 0) return spec.client.threads;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const Duration request = request_time_alone(spec, preflight);
  double loops = 1;
  for (const LoadPoint point : load_points(spec.load)) {
    const double streams = likely_in_flight(spec.load, point, request) / part.of;
    loops = std::max(loops, streams / kStreamsPerLoop);
    if (point.is_closed()) continue;
    loops = std::max(loops, peak_rate(spec.load, point) / part.of / kRequestsPerLoop);
  }
  return std::clamp(static_cast<int>(std::ceil(loops)), 1, cores);
}

}  // namespace

LoadClients make_load_clients(const SweepSpec& spec, const Preflight& preflight,
                              const Connection& connection, const Part& part) {
  const auto streams = static_cast<int>(part.share_of(static_cast<uint32_t>(most_streams(spec))));
  const int loops = loops_for(spec, preflight, part);
  ensure_descriptors(static_cast<size_t>(streams));
  ensure_ports(static_cast<size_t>(streams), preflight.addresses.size());
  std::vector<std::string> urls;
  for (const std::string& url : connection.urls) {
    urls.push_back(url_below(url, path_of(spec.endpoint.api)));
  }
  LoadClients clients;
  for (int i = 0; i < loops; ++i) {
    clients.push_back(make_http_client({.transport = spec.client.transport,
                                        .urls = urls,
                                        .addresses = preflight.addresses,
                                        .headers = connection.headers,
                                        .connect_timeout = spec.endpoint.connect_timeout,
                                        .max_connections = static_cast<size_t>(streams / loops + 1),
                                        .use_proxy = spec.endpoint.use_proxy,
                                        .ca_file = spec.endpoint.ca_file,
                                        .receive_stamps = spec.client.receive_stamps}));
  }
  return clients;
}

}  // namespace llmsweep

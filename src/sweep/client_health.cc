#include "sweep/client_health.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "llmsweep/stats/percentile.h"

namespace llmsweep {

ClientHealth client_health(const LoadOutcome& outcome, std::span<const Stall> stalls) {
  ClientHealth health{.threads = static_cast<int>(outcome.transports.size()),
                      .cpu_seconds = to_seconds(outcome.cpu)};
  std::vector<double> delays;
  int64_t reads = 0;
  for (const TransportHealth& transport : outcome.transports) {
    const Duration wall = transport.busy + transport.waited;
    if (wall.count() > 0) {
      health.busy_fraction =
          std::max(health.busy_fraction, to_seconds(transport.busy) / to_seconds(wall));
    }
    health.iterations += transport.iterations;
    reads += transport.reads;
    health.receive_stamps |= transport.receive_stamps;
    health.receive_sampling_seconds += to_seconds(transport.receive_sampling);
    for (const Duration delay : transport.receive_delays) delays.push_back(to_ms(delay));
    health.receive_delay_max_ms =
        std::max(health.receive_delay_max_ms, to_ms(transport.receive_delay_max));
  }
  if (health.iterations > 0) {
    health.chunks_per_iteration =
        static_cast<double>(reads) / static_cast<double>(health.iterations);
  }
  health.receive_samples = static_cast<int64_t>(delays.size());
  if (!delays.empty()) {
    std::sort(delays.begin(), delays.end());
    health.receive_delay_p50_ms = percentile(delays, 0.50);
    health.receive_delay_p90_ms = percentile(delays, 0.90);
    health.receive_delay_p95_ms = percentile(delays, 0.95);
    health.receive_delay_p99_ms = percentile(delays, 0.99);
    health.receive_delay_mean_ms =
        std::accumulate(delays.begin(), delays.end(), 0.0) / static_cast<double>(delays.size());
  }
  if (!outcome.iterations.empty()) {
    const Distribution iterations = distribution_of(outcome.iterations);
    health.iteration_p50_ms = iterations.p50.value_or(0);
    health.iteration_p99_ms = iterations.p99.value_or(iterations.max.value_or(0));
    health.iteration_max_ms = iterations.max.value_or(0);
  }
  health.stalls = static_cast<int64_t>(stalls.size());
  for (const Stall& stall : stalls) {
    health.stall_max_ms = std::max(health.stall_max_ms, to_ms(stall.end - stall.begin));
  }
  for (const RequestRecord& record : outcome.records) {
    if (record.phase != Phase::kMeasured || !record.sent || !record.end) continue;
    health.stalled_requests += std::any_of(stalls.begin(), stalls.end(), [&](const Stall& stall) {
      return stall.begin < *record.end && *record.sent < stall.end;
    });
  }
  return health;
}

}  // namespace llmsweep

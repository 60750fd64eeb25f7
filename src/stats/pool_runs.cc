#include "llmsweep/stats/level_stats.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "llmsweep/model/names.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"
#include "stats/derived.h"
#include "stats/model_stats.h"
#include "stats/open_load.h"
#include "stats/request_stats.h"
#include "stats/session_load.h"

namespace llmsweep {
namespace {

using Runs = std::vector<RunStats>;
using Figure = std::function<std::optional<double>(const RunStats&)>;

// Of the runs that have the figure.
std::vector<double> values_of(const Runs& runs, const Figure& figure) {
  std::vector<double> values;
  for (const RunStats& run : runs) {
    if (const auto value = figure(run)) values.push_back(*value);
  }
  return values;
}

std::optional<double> pooled_value(const Runs& runs, const Quantity& quantity) {
  const std::vector<double> values =
      values_of(runs, [&](const RunStats& run) { return stored_value(run, quantity); });
  if (values.empty()) return std::nullopt;
  switch (quantity.pooling) {
    case Pooling::kGeometricMean:
      return geometric_mean(values);
    case Pooling::kMean:
      return moments_of(values).mean;
    case Pooling::kWorst:
      return *std::max_element(values.begin(), values.end());
    case Pooling::kSum:
      return std::accumulate(values.begin(), values.end(), 0.0);
    case Pooling::kRequests:
      break;
  }
  return std::nullopt;
}

void fill_from_runs(RunStats& pooled, const Runs& runs) {
  for (const Quantity& quantity : quantities()) {
    if (quantity.pooling == Pooling::kRequests) continue;
    if (quantity.number != nullptr) pooled.*quantity.number = pooled_value(runs, quantity);
    if (quantity.maybe != nullptr) pooled.*quantity.maybe = pooled_value(runs, quantity);
  }
}

void take_worst(ClientHealth& worst, const ClientHealth& run) {
  worst.threads = std::max(worst.threads, run.threads);
  for (const auto figure :
       {&ClientHealth::busy_fraction, &ClientHealth::coalesced_fraction,
        &ClientHealth::send_lateness_p50_ms, &ClientHealth::send_lateness_p99_ms,
        &ClientHealth::slot_gap_p50_ms, &ClientHealth::slot_gap_p99_ms, &ClientHealth::stall_max_ms,
        &ClientHealth::receive_delay_p50_ms, &ClientHealth::receive_delay_p99_ms,
        &ClientHealth::receive_delay_max_ms, &ClientHealth::iteration_p50_ms,
        &ClientHealth::iteration_p99_ms, &ClientHealth::iteration_max_ms}) {
    worst.*figure = std::max(worst.*figure, run.*figure);
  }
  for (const auto figure :
       {&ClientHealth::slot_gap_mean_ms, &ClientHealth::receive_delay_mean_ms,
        &ClientHealth::receive_delay_p90_ms, &ClientHealth::receive_delay_p95_ms}) {
    if (run.*figure) worst.*figure = std::max((worst.*figure).value_or(0), *(run.*figure));
  }
}

Validity united_validity(const Runs& runs) {
  Validity united;
  for (const RunStats& run : runs) {
    for (const auto& [key, reasons] : run.validity) {
      std::vector<InvalidReason>& all = united[key];
      for (const InvalidReason reason : reasons) {
        const auto at = std::lower_bound(all.begin(), all.end(), reason);
        if (at == all.end() || *at != reason) all.insert(at, reason);
      }
    }
  }
  return united;
}

// The worst of the runs: where one is overloaded, so is the level.
std::optional<OpenLoad> pooled_open(const Runs& runs) {
  std::optional<OpenLoad> pooled;
  for (const RunStats& run : runs) {
    if (!run.open) continue;
    if (!pooled) pooled.emplace();
    pooled->state = std::max(pooled->state, run.open->state);
    pooled->overload = std::max(pooled->overload, run.open->overload);
    pooled->scheduled += run.open->scheduled;
    pooled->sent += run.open->sent;
    pooled->waiting_at_end = std::max(pooled->waiting_at_end, run.open->waiting_at_end);
  }
  return pooled;
}

template <class Enum>
std::vector<Enum> union_of(const Runs& runs, std::vector<Enum> RunStats::*member) {
  std::vector<Enum> united;
  for (Enum value : all_values<Enum>()) {
    const bool found = std::any_of(runs.begin(), runs.end(), [&](const RunStats& run) {
      const auto& values = run.*member;
      return std::find(values.begin(), values.end(), value) != values.end();
    });
    if (found) united.push_back(value);
  }
  return united;
}

ClientHealth pooled_client(const Runs& runs) {
  std::vector<ClientHealth> clients;
  for (const RunStats& run : runs) clients.push_back(run.client);
  return pool_clients(clients);
}

}  // namespace

ClientHealth pool_clients(std::span<const ClientHealth> clients) {
  ClientHealth pooled;
  double whole_tokens = 0;
  double whole_chunks = 0;
  pooled.receive_stamps = !clients.empty();
  for (const ClientHealth& client : clients) {
    take_worst(pooled, client);
    pooled.cpu_seconds += client.cpu_seconds;
    pooled.receive_sampling_seconds += client.receive_sampling_seconds;
    for (const auto count :
         {&ClientHealth::iterations, &ClientHealth::chunks, &ClientHealth::reconnects,
          &ClientHealth::stalls, &ClientHealth::stalled_requests, &ClientHealth::receive_samples,
          &ClientHealth::gaps, &ClientHealth::gaps_left_out}) {
      pooled.*count += client.*count;
    }
    pooled.receive_stamps = pooled.receive_stamps && client.receive_stamps;
    whole_tokens += client.tokens_per_chunk * static_cast<double>(client.chunks);
    whole_chunks += static_cast<double>(client.chunks);
  }
  if (whole_chunks > 0) pooled.tokens_per_chunk = whole_tokens / whole_chunks;
  if (pooled.iterations > 0) {
    pooled.chunks_per_iteration =
        static_cast<double>(pooled.chunks) / static_cast<double>(pooled.iterations);
  }
  return pooled;
}

LevelStats pool_runs(const LevelContext& level, std::vector<RunStats> runs,
                     std::span<const RequestRecord> records) {
  LevelStats stats{.point = level.point};
  RunStats& pooled = stats.pooled;
  fill_from_runs(pooled, runs);
  fill_request_stats(pooled, records, level);  // of all requests together, where it can be had
  fill_derived(pooled, level);
  pooled.open = pooled_open(runs);
  pooled.sessions = pool_sessions(runs, records, level);
  if (pooled.is_overloaded()) drop_latencies(pooled);
  pooled.client = pooled_client(runs);
  pooled.valid =
      std::all_of(runs.begin(), runs.end(), [](const RunStats& run) { return run.valid; });
  pooled.invalid_reasons = union_of(runs, &RunStats::invalid_reasons);
  pooled.warnings = union_of(runs, &RunStats::warnings);
  pooled.validity = united_validity(runs);
  if (!pooled.is_overloaded()) {
    stats.e2e_p50_between_runs_ci95 =
        log_student_interval(values_of(runs, [](const RunStats& run) { return run.e2e.p50; }));
  }
  stats.throughput_between_runs_ci95 = log_student_interval(
      values_of(runs, [](const RunStats& run) { return headline_throughput_tps(run); }));
  stats.runs = std::move(runs);
  stats.models = stats_by_model(level, records);
  return stats;
}

}  // namespace llmsweep

#include "llmsweep/stats/level_stats.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/percentile.h"
#include "stats/derived.h"
#include "stats/open_load.h"
#include "stats/phase.h"
#include "stats/request_stats.h"
#include "stats/session_load.h"
#include "stats/slot_time.h"

namespace llmsweep {
namespace {

double completed_of(const RunStats& stats) {
  return static_cast<double>(stats.requests.completed.value_or(0));
}

// Of the measured requests: what X = C · Σ tokens ÷ Σ (E2E + slot gap) needs.
struct SlotTotals {
  int64_t requests = 0;
  double occupied_s = 0;
  double in_flight_s = 0;
  double tokens = 0;
};

SlotTotals total(std::span<const SlotTime> times) {
  SlotTotals totals;
  for (const SlotTime& time : times) {
    if (!time.measured()) continue;
    ++totals.requests;
    totals.occupied_s += to_seconds(time.occupied());
    totals.in_flight_s += to_seconds(time.end - time.start + time.held);
    totals.tokens += time.tokens;
  }
  return totals;
}

enum class Count { kMeasuredAndFillers, kAllPhases };

double tokens_inside(std::span<const SlotTime> times, const Window& window, Count count) {
  double tokens = 0;
  for (const SlotTime& time : times) {
    if (count == Count::kMeasuredAndFillers && time.record->phase == Phase::kWarmup) continue;
    tokens += tokens_inside(time, window);
  }
  return tokens;
}

void fill_little(RunStats& stats, double requests_per_s, const SlotTotals& totals) {
  const double in_flight = stats.achieved_concurrency.value_or(0);
  if (in_flight <= 0 || totals.requests == 0) return;
  const double mean_s = totals.in_flight_s / static_cast<double>(totals.requests);
  stats.littles_law_error = std::abs(in_flight - requests_per_s * mean_s) / in_flight;
}

// Every slot is busy for the whole window: rates follow from the slots' time.
void fill_with_fillers(RunStats& stats, std::span<const SlotTime> times, const Window& window,
                       const LevelContext& level) {
  stats.achieved_concurrency = mean_in_flight(times, window);
  const SlotTotals totals = total(times);
  if (totals.occupied_s <= 0) return;
  const double per_slot_second = level.point.concurrency() / totals.occupied_s;
  stats.steady_output_throughput_tps = per_slot_second * totals.tokens;
  stats.request_throughput_rps = per_slot_second * completed_of(stats);
  fill_little(stats, per_slot_second * static_cast<double>(totals.requests), totals);
}

void fill_without_fillers(RunStats& stats, std::span<const SlotTime> times, const Window& window,
                          const LevelContext& level) {
  stats.request_throughput_rps = completed_of(stats) / window.seconds();
  const SlotTotals totals = total(times);
  const auto steady = issue_window(times, level.point.concurrency());
  if (!steady || steady->seconds() * static_cast<double>(totals.requests) < totals.in_flight_s) {
    return;  // shorter than the mean request: what it shows depends on its phase
  }
  stats.steady_output_throughput_tps =
      tokens_inside(times, *steady, Count::kAllPhases) / steady->seconds();
  stats.achieved_concurrency = mean_in_flight(times, *steady);
  int64_t completions = 0;
  for (const SlotTime& time : times) {
    if (time.measured() && steady->from < time.end && time.end <= steady->to) ++completions;
  }
  fill_little(stats, static_cast<double>(completions) / steady->seconds(), totals);
}

void fill_rates(RunStats& stats, std::span<const SlotTime> times, const LevelContext& level) {
  const auto window = measured_window(times);
  if (!window) return;
  stats.wall_seconds = window->seconds();
  stats.output_throughput_tps =
      tokens_inside(times, *window, Count::kMeasuredAndFillers) / window->seconds();
  if (level.fillers && level.point.concurrency() > 0) {
    fill_with_fillers(stats, times, *window, level);
  } else {
    fill_without_fillers(stats, times, *window, level);
  }
}

// p50 and p99 of delays, whatever their number: these are limits, not results.
std::pair<double, double> delay_percentiles(std::vector<double> delays_ms) {
  if (delays_ms.empty()) return {0, 0};
  const double p50 = percentile_of(delays_ms, 0.5);
  return {p50, percentile_of(std::move(delays_ms), 0.99)};
}

// `own_instants`: each request is due at one, rather than when its slot is free.
void fill_delays(ClientHealth& client, std::span<const SlotTime> times, bool own_instants) {
  std::vector<double> gaps;
  std::vector<double> lateness;
  for (const SlotTime& time : times) {
    const bool own_start = own_instants ? time.measured() : !time.gap;
    if (own_start && time.record->sent) {
      lateness.push_back(to_ms(*time.record->sent - time.record->scheduled));
    }
    if (time.measured() && time.gap) gaps.push_back(to_ms(*time.gap - time.held));
  }
  client.slot_gap_mean_ms.reset();
  if (!gaps.empty()) client.slot_gap_mean_ms = moments_of(gaps).mean;
  std::tie(client.slot_gap_p50_ms, client.slot_gap_p99_ms) = delay_percentiles(std::move(gaps));
  std::tie(client.send_lateness_p50_ms, client.send_lateness_p99_ms) =
      delay_percentiles(std::move(lateness));
}

void fill_chunks(ClientHealth& client, std::span<const RequestRecord> records) {
  int64_t gaps = 0;
  int64_t coalesced = 0;
  int64_t whole_chunks = 0;  // of whole answers: a cancelled one has no usage to count tokens by
  int64_t whole_tokens = 0;
  client.chunks = 0;
  client.reconnects = 0;
  client.gaps = 0;
  client.gaps_left_out = 0;
  for (const RequestRecord& record : records) {
    client.chunks += record.chunks;
    client.reconnects += record.reconnected ? 1 : 0;
    gaps += std::max<int64_t>(0, record.chunks - 1);
    coalesced += record.coalesced_chunks;
    if (record.outcome != Outcome::kOk) continue;
    if (record.phase == Phase::kMeasured) {
      client.gaps += static_cast<int64_t>(record.icl.count()) + record.gaps_left_out;
      client.gaps_left_out += record.gaps_left_out;
    }
    whole_chunks += record.chunks;
    whole_tokens += record.output_tokens;
  }
  const auto ratio = [](int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  };
  client.coalesced_fraction = ratio(coalesced, gaps);
  client.tokens_per_chunk = ratio(whole_tokens, whole_chunks);
  client.chunks_per_iteration = ratio(client.chunks, client.iterations);
}

}  // namespace

void fill_derived(RunStats& stats, const LevelContext& level) {
  const double steady = stats.steady_output_throughput_tps.value_or(0);
  if (!level.fillers && steady > 0)
    stats.drain_bias = stats.output_throughput_tps.value_or(0) / steady - 1;
  const double headline = headline_throughput_tps(stats);
  const double output = stats.output_tokens_mean.value_or(0);
  const double input = stats.input_tokens_mean.value_or(0);
  if (headline > 0 && output > 0 && input > 0) {
    stats.total_throughput_tps = headline * (input + output) / output;
  }
  if (level.gpus > 0) stats.throughput_per_gpu_tps = headline / level.gpus;
  const double e2e_ms = stats.e2e.p50.value_or(0);
  if (e2e_ms > 0) stats.throughput_per_latency = headline / e2e_ms;
  if (level.inputs == 0) return;
  const double requests = stats.request_throughput_rps.value_or(0);
  stats.inputs_per_s = requests * static_cast<double>(level.inputs);
  if (stats.input_tokens_mean) stats.input_throughput_tps = requests * input;
  drop_output(stats);
}

void drop_output(RunStats& stats) {
  for (const Quantity& quantity : quantities()) {
    if (!quantity.of_output) continue;
    if (quantity.number != nullptr) (stats.*quantity.number).reset();
    if (quantity.maybe != nullptr) (stats.*quantity.maybe).reset();
  }
}

RunStats run_stats(const RunInput& input) {
  const LevelContext& level = input.level;
  RunStats stats{.repeat = input.repeat, .client = input.client};
  const int64_t good = fill_request_stats(stats, input.records, level);
  std::vector<SlotTime> times = slot_times(input.records);
  if (input.open || input.sessions) {
    for (SlotTime& time : times) {  // a slot waits for nobody, and for as long as its user thinks
      time.gap.reset();
      time.held = {};
    }
  }
  if (input.open) {
    fill_open_load(stats, times, *input.open);
    if (input.open->closed_sessions) fill_trace_sessions(stats, input.records, times, level);
  } else if (input.sessions) {
    fill_session_load(stats, input.records, times, *input.sessions, level);
  } else {
    fill_rates(stats, times, level);
  }
  fill_delays(stats.client, times, level.point.kind != LoadKind::kConcurrency);
  fill_chunks(stats.client, input.records);
  if (level.point.kind == LoadKind::kConcurrency)
    stats.in_step = in_step(input.records, stats.e2e.p50.value_or(0));
  fill_derived(stats, level);
  if (stats.goodput_fraction && stats.requests.completed > 0) {
    stats.goodput_rps =
        stats.request_throughput_rps.value_or(0) * static_cast<double>(good) / completed_of(stats);
  } else if (stats.goodput_fraction) {
    stats.goodput_rps = 0;
  }
  return stats;
}

}  // namespace llmsweep

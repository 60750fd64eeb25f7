// The client's share of a figure: the same statistic from our stamps and from the kernel's
// arrivals.
#include "llmsweep/stats/validity.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "llmsweep/model/names.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

constexpr double kEnoughArrivals = 0.95;  // of the requests

// The same requests twice, in the same order.
struct Twice {
  std::vector<double> ours;
  std::vector<double> kernels;
  size_t unknown = 0;  // whose arrival is not known: taken as our stamp

  void add(std::optional<double> ours_ms, std::optional<double> late_ms) {
    if (!ours_ms) return;
    ours.push_back(*ours_ms);
    kernels.push_back(*ours_ms - late_ms.value_or(0));
    unknown += late_ms ? 0 : 1;
  }
  bool known() const {
    const auto count = static_cast<double>(ours.size());
    return !ours.empty() && static_cast<double>(ours.size() - unknown) >= kEnoughArrivals * count;
  }
};

std::optional<double> late_ms(std::optional<Duration> delay) {
  return delay ? std::optional(to_ms(*delay)) : std::nullopt;
}

// Of chunks that waited together in the kernel it keeps the last one's arrival: the first came as
// many gaps earlier, each as long as those after them.
double merged_ms(const RequestRecord& record) {
  const int64_t gaps_after = record.chunks - 1 - record.first_token_merged;
  if (record.first_token_merged == 0 || gaps_after <= 0 || !record.first_token_delay) return 0;
  const Duration after = *record.last_token - record.last_token_delay.value_or(Duration(0)) -
                         (*record.first_token - *record.first_token_delay);
  const auto merged = static_cast<double>(record.first_token_merged);
  return std::max(0.0, to_ms(after)) * merged / static_cast<double>(gaps_after);
}

std::optional<double> first_token_late_ms(const RequestRecord& record) {
  if (!record.first_token_delay) return std::nullopt;
  return to_ms(*record.first_token_delay) + merged_ms(record);
}

std::optional<double> first_answer_token_late_ms(const RequestRecord& record) {
  if (!record.first_answer_token_delay) return std::nullopt;
  const bool is_first = record.first_answer_token == record.first_token;
  return to_ms(*record.first_answer_token_delay) + (is_first ? merged_ms(record) : 0);
}

// What the two ends of the tokens' time make of its length. All that the first read brought is
// before it, so that the last of it, whose arrival is known, is where it begins.
std::optional<double> tpot_late_ms(const RequestRecord& record) {
  const int64_t later_tokens = record.streamed() - record.first_chunk_tokens;
  if (!record.first_token_delay || !record.last_token_delay || later_tokens <= 0) {
    return std::nullopt;
  }
  return to_ms(*record.last_token_delay - *record.first_token_delay) /
         static_cast<double>(later_tokens);
}

void add_shares(std::vector<ClientShare>& shares, const char* key, Twice samples) {
  if (!samples.known()) return;
  const Distribution ours = distribution_of(std::move(samples.ours));
  const Distribution kernels = distribution_of(std::move(samples.kernels));
  for (const Statistic statistic : all_values<Statistic>()) {
    Measure measure = measure_of(key);
    measure.statistic = statistic;
    const auto ours_ms = statistic_of(ours, statistic);
    const auto kernels_ms = statistic_of(kernels, statistic);
    if (ours_ms && kernels_ms) shares.push_back({measure, *ours_ms, *kernels_ms});
  }
}

}  // namespace

bool ClientShare::too_large() const {
  return std::abs(ours_ms - kernels_ms) > std::max(kClientShareMs, kClientShare * kernels_ms);
}

std::vector<ClientShare> client_shares(std::span<const RequestRecord> records,
                                       LatencyOrigin origin) {
  Twice e2e, ttft, ttfo, tpot;
  for (const RequestRecord& record : records) {
    if (record.phase != Phase::kMeasured || record.outcome != Outcome::kOk) continue;
    const RequestMetrics metrics = request_metrics(record, origin);
    e2e.add(metrics.e2e_ms, late_ms(record.last_token_delay));
    ttft.add(metrics.ttft_ms, first_token_late_ms(record));
    ttfo.add(metrics.ttfo_ms, first_answer_token_late_ms(record));
    tpot.add(metrics.tpot_ms, tpot_late_ms(record));
  }
  std::vector<ClientShare> shares;
  add_shares(shares, "e2e", std::move(e2e));
  add_shares(shares, "ttft", std::move(ttft));
  add_shares(shares, "ttfo", std::move(ttfo));
  add_shares(shares, "tpot", std::move(tpot));
  return shares;
}

}  // namespace llmsweep

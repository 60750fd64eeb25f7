#include "stats/request_stats.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

#include "llmsweep/stats/failures.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

// Adds up many histograms in time linear in their buckets.
class HistogramSum {
 public:
  void add(const Histogram& histogram) {
    for (const auto& [bucket, weight] : histogram.buckets()) weights_[bucket] += weight;
  }
  Histogram total() const {
    Histogram histogram;
    for (uint32_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
      histogram.add_bucket(bucket, weights_[bucket]);
    }
    return histogram;
  }

 private:
  std::vector<uint64_t> weights_ = std::vector<uint64_t>(Histogram::kBuckets);
};

// Σ |measured − planned| ÷ Σ planned.
class PlanDeviation {
 public:
  void add(int64_t measured, int64_t planned) {
    if (planned <= 0) return;
    planned_ += static_cast<double>(planned);
    off_ += std::abs(static_cast<double>(measured - planned));
  }
  std::optional<double> share() const {
    return planned_ > 0 ? std::optional(off_ / planned_) : std::nullopt;
  }

 private:
  double planned_ = 0;
  double off_ = 0;
};

class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  std::optional<double> if_any() const {
    return count_ > 0 ? std::optional(sum_ / static_cast<double>(count_)) : std::nullopt;
  }

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

struct Samples {
  std::vector<double> e2e, ttft, ttfo, tpot, output_speed;
  std::vector<double> vllm_e2e, vllm_ttft, vllm_tpot;
  HistogramSum itl, icl;
};

void add_to(std::vector<double>& sample, std::optional<double> value) {
  if (value) sample.push_back(*value);
}

// vLLM starts its clock when it sends, under an open loop too.
void collect_vllm(Samples& samples, const RequestRecord& record) {
  if (!record.sent || !record.first_choice || !record.last_choice) return;
  samples.vllm_ttft.push_back(to_ms(*record.first_choice - *record.sent));
  samples.vllm_e2e.push_back(to_ms(*record.last_choice - *record.sent));
  if (record.output_tokens < 2) return;
  samples.vllm_tpot.push_back(to_ms(*record.last_choice - *record.first_choice) /
                              static_cast<double>(record.output_tokens - 1));
}

void collect(Samples& samples, const RequestRecord& record, LatencyOrigin origin) {
  const RequestMetrics metrics = request_metrics(record, origin);
  add_to(samples.e2e, metrics.e2e_ms);
  add_to(samples.ttft, metrics.ttft_ms);
  add_to(samples.ttfo, metrics.ttfo_ms);
  add_to(samples.tpot, metrics.tpot_ms);
  add_to(samples.output_speed, metrics.output_speed_tps);
  samples.itl.add(record.itl);
  samples.icl.add(record.icl);
  collect_vllm(samples, record);
}

void fill_distributions(RunStats& stats, Samples samples) {
  stats.output_speed_tps.reset();
  if (!samples.output_speed.empty()) {
    stats.output_speed_tps = percentile_of(std::move(samples.output_speed), 0.5);
  }
  stats.e2e = distribution_of(std::move(samples.e2e));
  stats.ttft = distribution_of(std::move(samples.ttft));
  stats.ttfo = distribution_of(std::move(samples.ttfo));
  stats.tpot = distribution_of(std::move(samples.tpot));
  stats.itl = distribution_of(samples.itl.total());
  stats.icl = distribution_of(samples.icl.total());
  if (!samples.vllm_e2e.empty()) {
    stats.vllm = VllmDefinitions{.e2e = distribution_of(std::move(samples.vllm_e2e)),
                                 .ttft = distribution_of(std::move(samples.vllm_ttft)),
                                 .tpot = distribution_of(std::move(samples.vllm_tpot))};
  }
  const double tpot_ms = stats.tpot.p50.value_or(0);
  stats.decode_speed_tps = tpot_ms > 0 ? std::optional(1000 / tpot_ms) : std::nullopt;
}

class TokenTotals {
 public:
  void add(const RequestRecord& record) {
    output_.add(static_cast<double>(record.output_tokens));
    // Chunks are fewer than tokens where one holds several: they tell that an answer is too short
    // only where nothing says that it has the length that was requested.
    const bool estimated = record.token_source == TokenSource::kChunks;
    estimated_ |= estimated;
    if (!estimated || record.finish_reason != "length") {
      output_off_.add(record.output_tokens, record.planned_output_tokens);
    }
    if (record.cached_tokens) cached_.add(static_cast<double>(*record.cached_tokens));
    if (!record.input_tokens) return;
    input_.add(static_cast<double>(*record.input_tokens));
    input_off_.add(*record.input_tokens, record.planned_input_tokens);
  }
  void fill(RunStats& stats) const {
    stats.input_tokens_mean = input_.if_any();
    stats.output_tokens_mean = output_.if_any();
    stats.cached_tokens_mean = cached_.if_any().value_or(0);
    stats.input_tokens_off = input_off_.share();
    stats.output_tokens_off = output_off_.share();
    stats.token_count_estimated = estimated_;
  }

 private:
  Mean input_, output_, cached_;
  PlanDeviation input_off_, output_off_;
  bool estimated_ = false;
};

std::optional<double> mean_ms(const Histogram& histogram) {
  if (histogram.empty()) return std::nullopt;
  return distribution_of(histogram).mean;
}

std::optional<double> value_of(const RequestRecord& record, const RequestMetrics& metrics,
                               Metric metric) {
  switch (metric) {
    case Metric::kE2e:
      return metrics.e2e_ms;
    case Metric::kTtft:
      return metrics.ttft_ms;
    case Metric::kTtfo:
      return metrics.ttfo_ms;
    case Metric::kTpot:
      return metrics.tpot_ms;
    case Metric::kItl:
      return mean_ms(record.itl);
    case Metric::kIcl:
      return mean_ms(record.icl);
  }
  return std::nullopt;
}

// An answer of one token, or of one read, has no gap that could be too long.
bool may_be_absent(Metric metric) {
  return metric == Metric::kTpot || metric == Metric::kItl || metric == Metric::kIcl;
}

}  // namespace

RequestMetrics request_metrics(const RequestRecord& record, LatencyOrigin origin) {
  RequestMetrics metrics;
  const std::optional<Instant> start =
      origin == LatencyOrigin::kSent ? record.sent : std::optional(record.scheduled);
  if (!start) return metrics;
  const auto since_start = [&](std::optional<Instant> instant) -> std::optional<double> {
    return instant ? std::optional(to_ms(*instant - *start)) : std::nullopt;
  };
  metrics.e2e_ms = since_start(record.last_token);
  if (!record.buffered()) metrics.ttft_ms = since_start(record.first_token);
  metrics.ttfo_ms = since_start(record.first_answer_token);
  const int64_t later_tokens = record.streamed() - record.first_chunk_tokens;
  if (record.first_token && record.last_token && later_tokens > 0) {
    metrics.tpot_ms =
        to_ms(*record.last_token - *record.first_token) / static_cast<double>(later_tokens);
  }
  if (metrics.e2e_ms.value_or(0) > 0 && record.inputs == 0) {
    metrics.output_speed_tps = static_cast<double>(record.output_tokens) * 1000 / *metrics.e2e_ms;
  }
  return metrics;
}

bool is_good(const RequestRecord& record, const LevelContext& level) {
  if (record.outcome != Outcome::kOk) return false;
  const RequestMetrics metrics = request_metrics(record, level.point.origin());
  return std::all_of(level.goodput.begin(), level.goodput.end(), [&](const Target& target) {
    auto value = value_of(record, metrics, target.metric);
    // The first token was not there before the one read that brought everything, nor after it.
    if (target.metric == Metric::kTtft && record.buffered()) value = metrics.e2e_ms;
    return value ? *value <= to_ms(target.max) : may_be_absent(target.metric);
  });
}

int64_t fill_request_stats(RunStats& stats, std::span<const RequestRecord> records,
                           const LevelContext& level) {
  Samples samples;
  TokenTotals tokens;
  int64_t good = 0;
  for (const RequestRecord& record : records) {
    if (record.phase != Phase::kMeasured) continue;
    if (!level.model.empty() && record.model != level.model) continue;
    ++stats.requests.by_outcome[record.outcome];
    if (record.outcome != Outcome::kOk) {
      ++*stats.requests.failed;
      continue;
    }
    ++*stats.requests.completed;
    collect(samples, record, level.point.origin());
    tokens.add(record);
    if (is_good(record, level)) ++good;
  }
  if (level.model.empty()) stats.requests.errors = count_errors(records);
  fill_distributions(stats, std::move(samples));
  tokens.fill(stats);
  const int64_t measured = stats.requests.all().value_or(0);
  if (!level.goodput.empty() && measured > 0) {
    stats.goodput_fraction = static_cast<double>(good) / static_cast<double>(measured);
  }
  return good;
}

}  // namespace llmsweep

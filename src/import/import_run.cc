#include "import/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/error.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep::foreign {
namespace {

constexpr double kLongestSeconds = 1e9;

bool has_times(const Request& request) {
  return request.start_s && request.e2e_ms && request.output_tokens > 0;
}

// Slots of a common queue: a request takes the slot that has been free the longest.
void assign_slots(std::vector<RequestRecord>& records, int concurrency) {
  std::sort(records.begin(), records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return *a.sent < *b.sent; });
  std::vector<Instant> free_since(static_cast<size_t>(std::max(1, concurrency)), Instant::min());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto slot = std::min_element(free_since.begin(), free_since.end());
    records[i].index = static_cast<uint32_t>(i);
    records[i].slot = static_cast<uint32_t>(slot - free_since.begin());
    *slot = *records[i].end;
  }
}

RequestRecord record_of(const Request& request, double first_start_s, int concurrency) {
  RequestRecord record{.run = {.point = at_concurrency(concurrency)}, .phase = Phase::kMeasured};
  const double start = std::clamp(*request.start_s - first_start_s, 0.0, kLongestSeconds);
  const Instant sent = from_ns(1'000'000'000) + from_seconds(start);
  record.scheduled = sent;
  record.sent = sent;
  record.end = record.last_token = sent + from_ms(request.e2e_ms.value_or(0));
  if (request.ttft_ms) record.first_token = sent + from_ms(*request.ttft_ms);
  if (request.ttfo_ms) record.first_answer_token = sent + from_ms(*request.ttfo_ms);
  if (request.input_tokens > 0) record.input_tokens = request.input_tokens;
  record.output_tokens = request.output_tokens;
  record.token_source = TokenSource::kUsage;
  record.chunks = static_cast<int64_t>(request.gaps_ms.size()) + (record.first_token ? 1 : 0);
  for (const double gap : request.gaps_ms) record.icl.add(from_ms(std::max(0.0, gap)));
  if (!request.ok) {
    record.outcome = Outcome::kProtocolError;
    record.error = request.error;
    record.first_token.reset();
    record.last_token.reset();
  }
  return record;
}

void take_distributions(RunStats& stats, const RunStats& ours) {
  for (const auto figure :
       {&RunStats::e2e, &RunStats::ttft, &RunStats::ttfo, &RunStats::tpot, &RunStats::icl}) {
    if ((ours.*figure).count > 0) stats.*figure = ours.*figure;
  }
  if (ours.output_speed_tps) stats.output_speed_tps = ours.output_speed_tps;
}

void take_rates_of_requests(RunStats& stats, const RunStats& ours) {
  stats.request_throughput_rps = ours.request_throughput_rps;
  stats.achieved_concurrency = ours.achieved_concurrency;
  stats.littles_law_error = ours.littles_law_error;
  stats.wall_seconds = ours.wall_seconds;
  stats.requests = ours.requests;
}

void take_rates_of_tokens(RunStats& stats, const RunStats& ours) {
  stats.output_throughput_tps = ours.output_throughput_tps;
  stats.steady_output_throughput_tps = ours.steady_output_throughput_tps;
  stats.drain_bias = ours.drain_bias;
  stats.throughput_per_latency = ours.throughput_per_latency;
}

// Of requests whose tokens nobody counted.
void take_times(RunStats& stats, const RunStats& ours) {
  for (const auto figure : {&RunStats::e2e, &RunStats::ttft, &RunStats::icl}) {
    if ((ours.*figure).count > 0) stats.*figure = ours.*figure;
  }
}

// Tools write zeros where no request ended well.
bool says_nothing(const Figures& figures) {
  for (const auto& figure : {figures.mean, figures.max, figures.p50, figures.p90, figures.p95,
                             figures.p99, figures.p999}) {
    if (figure.value_or(0) > 0) return false;
  }
  return true;
}

// Latencies of requests whose start nobody wrote down: as if they had run one after the other.
std::vector<RequestRecord> records_in_a_row(const Run& run) {
  std::vector<RequestRecord> records;
  for (const Request& request : run.requests) {
    if (!request.ok || !request.e2e_ms || request.output_tokens < 1) continue;
    Request started = request;
    started.start_s = 0;
    records.push_back(record_of(started, 0, 1));
  }
  return records;
}

}  // namespace

Figures figures_of(const Json* metric, std::optional<int64_t> count, double unit_ms) {
  Figures figures{.count = count, .unit_ms = unit_ms};
  if (metric == nullptr) return figures;
  const auto first_of = [metric](std::initializer_list<const char*> names) {
    std::optional<double> value;
    for (const char* name : names) {
      if (!value) value = number(member(*metric, name));
    }
    return value;
  };
  figures.mean = first_of({"mean", "avg", "average"});
  figures.min = first_of({"min", "minimum"});
  figures.max = first_of({"max", "maximum"});
  figures.p50 = first_of({"p50", "median"});
  figures.p90 = first_of({"p90"});
  figures.p95 = first_of({"p95"});
  figures.p99 = first_of({"p99"});
  figures.p999 = first_of({"p99.9", "p999", "p99p9"});
  return figures;
}

Distribution distribution(const Figures& figures) {
  Distribution result{.count = figures.count};
  if (says_nothing(figures)) {
    if (figures.count.value_or(1) > 0) result.count.reset();  // of requests, not of this figure
    return result;
  }
  const auto ms = [&figures](const std::optional<double>& value) {
    return value && *value >= 0 ? std::optional(*value * figures.unit_ms) : std::nullopt;
  };
  result.mean = ms(figures.mean);
  result.min = ms(figures.min);
  result.max = ms(figures.max);
  result.p50 = ms(figures.p50);
  result.p90 = ms(figures.p90);
  result.p95 = ms(figures.p95);
  if (figures.count >= kSamplesForP99) result.p99 = ms(figures.p99);
  if (figures.count >= kSamplesForP999) result.p999 = ms(figures.p999);
  return result;
}

std::optional<TokenCount> token_count(std::optional<double> mean, std::optional<double> deviation) {
  if (!mean || !(*mean > 0)) return std::nullopt;
  const bool whole = *mean == std::floor(*mean) && *mean < 1e15;
  if (whole && deviation == 0) return TokenCount{.fixed = static_cast<int64_t>(*mean)};
  return TokenCount{.kind = TokenCount::Kind::kNormal, .mean = *mean, .stddev = deviation};
}

std::optional<TokenCount> token_count(const std::vector<double>& lengths) {
  if (lengths.empty()) return std::nullopt;
  const Moments moments = moments_of(lengths);
  return token_count(moments.mean, std::sqrt(moments.variance));
}

std::optional<double> per_request(std::optional<double> total, std::optional<int64_t> requests) {
  if (!total || requests.value_or(0) < 1) return std::nullopt;
  return *total / static_cast<double>(*requests);
}

void fill_derived(Run& run) {
  RunStats& stats = run.stats;
  for (const auto figure : {&RunStats::e2e, &RunStats::ttft, &RunStats::ttfo, &RunStats::tpot,
                            &RunStats::itl, &RunStats::icl}) {
    if (stats.requests.completed == 0) {
      stats.*figure = {};
    } else if (stats.*figure == Distribution{}) {
      (stats.*figure).count.reset();  // the file has no such figure
    }
  }
  const auto take_mean = [&run](std::optional<double>& mean, const std::optional<TokenCount>& of) {
    if (!mean && of && !run.lengths_requested) mean = mean_tokens(*of);
  };
  take_mean(stats.input_tokens_mean, run.input_tokens);
  take_mean(stats.output_tokens_mean, run.output_tokens);
  if (!stats.request_throughput_rps && stats.wall_seconds.value_or(0) > 0) {
    const auto completed = stats.requests.completed;
    if (completed) {
      stats.request_throughput_rps = static_cast<double>(*completed) / *stats.wall_seconds;
    }
  }
  if (stats.tpot.p50.value_or(0) > 0) stats.decode_speed_tps = 1000 / *stats.tpot.p50;
  if (stats.requests.failed.value_or(0) > 0 && stats.requests.by_outcome.empty()) {
    stats.requests.by_outcome[Outcome::kProtocolError] = *stats.requests.failed;
  }
}

std::vector<RequestRecord> records_of(const Run& run) {
  std::vector<RequestRecord> records;
  double first = kLongestSeconds * 1e3;
  for (const Request& request : run.requests) {
    if (request.ok && !has_times(request)) return {};
    if (request.start_s) first = std::min(first, *request.start_s);
  }
  for (const Request& request : run.requests) {
    if (!request.start_s) continue;  // a failure that nobody timed is in the counts
    records.push_back(record_of(request, first, run.concurrency));
  }
  assign_slots(records, run.concurrency);
  return records;
}

void recompute(Run& run) {
  if (run.requests.empty()) return;
  const LevelContext level{.point = at_concurrency(run.concurrency), .fillers = false};
  const std::vector<RequestRecord> timed = records_of(run);
  if (!timed.empty() && run.concurrency > 0) {
    const RequestCounts counts = run.stats.requests;
    const RunStats ours = run_stats({.records = timed, .level = level});
    take_rates_of_requests(run.stats, ours);
    if (run.tokens_known) {
      take_distributions(run.stats, ours);
      take_rates_of_tokens(run.stats, ours);
    } else {
      take_times(run.stats, ours);
    }
    run.stats.requests.failed =
        std::max(run.stats.requests.failed.value_or(0), counts.failed.value_or(0));
    run.notes.emplace_back(
        run.tokens_known
            ? "Distributions and throughputs were recomputed from its per-request data."
            : "E2E, TTFT, ICL and the request throughput were recomputed from its per-request "
              "data, "
              "which does not count tokens: TPOT and the token throughput are the file's.");
    return;
  }
  const std::vector<RequestRecord> loose = records_in_a_row(run);
  if (loose.empty()) return;
  take_distributions(run.stats, run_stats({.records = loose, .level = level}));
  run.notes.emplace_back(
      "Distributions were recomputed from its per-request data; it has no start times, so that "
      "throughputs are the file's.");
}

void fail(const Document& document, std::string what, std::string next) {
  throw Error({.what = std::move(what), .where = document.where, .next = std::move(next)});
}

double required(const Document& document, std::string_view path) {
  const auto value = number(document.value, path);
  if (!value) {
    fail(document, fmt::format("'{}' is missing or no number", path),
         "is the file whole, and of a version that docs/import.md lists?");
  }
  return *value;
}

}  // namespace llmsweep::foreign

// Statistics of a run of a million requests, beside sorting a million numbers in the same run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/level_stats.h"

namespace llmsweep {
namespace {

constexpr uint32_t kRequests = 1'000'000;
constexpr uint32_t kSlots = 1'024;
constexpr int64_t kTokens = 64;

// Slot after slot without a pause, 5 ms a token and a little more or less.
std::vector<RequestRecord> make_records() {
  Random random(1);
  std::vector<RequestRecord> records(kRequests);
  std::vector<Instant> free(kSlots, from_ns(1));
  for (uint32_t i = 0; i < kRequests; ++i) {
    RequestRecord& record = records[i];
    record.index = i;
    record.slot = i % kSlots;
    const Instant sent = free[record.slot];
    record.scheduled = sent;
    record.sent = sent;
    record.first_token = sent + std::chrono::microseconds(50'000 + random.below(10'000));
    record.first_byte = record.first_answer_token = record.first_token;
    const auto gap = std::chrono::microseconds(4'900 + random.below(200));
    record.last_token = *record.first_token + (kTokens - 1) * gap;
    record.end = record.last_token;
    record.output_tokens = record.chunks = kTokens;
    record.input_tokens = 2'400;
    record.token_source = TokenSource::kUsage;
    record.icl.add(gap, kTokens - 1);
    record.itl.add(gap, kTokens - 1);
    record.http_status = 200;
    record.icl.compact();
    record.itl.compact();
    free[record.slot] = *record.end + std::chrono::microseconds(random.below(100));
  }
  return records;
}

const std::vector<RequestRecord>& records() {
  static const std::vector<RequestRecord> made = make_records();
  return made;
}

void sort_a_million(benchmark::State& state) {
  Random random(2);
  std::vector<double> values(kRequests);
  for (double& value : values) value = static_cast<double>(random.below(1'000'000'000));
  for (auto _ : state) {
    std::vector<double> copy = values;
    std::sort(copy.begin(), copy.end());
    benchmark::DoNotOptimize(copy.data());
  }
}

void run_statistics(benchmark::State& state) {
  const RunInput input{.records = records(),
                       .level = {.point = at_concurrency(static_cast<int>(kSlots)), .gpus = 8}};
  for (auto _ : state) {
    const RunStats stats = run_stats(input);
    if (stats.requests.completed != kRequests) state.SkipWithError("requests are missing");
    benchmark::DoNotOptimize(stats.e2e.p50);
  }
}

BENCHMARK(sort_a_million)->Unit(benchmark::kMillisecond);
BENCHMARK(run_statistics)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmsweep

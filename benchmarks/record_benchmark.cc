// Lines of requests.jsonl, written and read, in records a second.
#include <benchmark/benchmark.h>

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "llmsweep/base/files.h"
#include "llmsweep/base/random.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace {

constexpr int kRecords = 1'000;
constexpr int kChunks = 200;

// Of answers of 200 chunks, 5 ms a chunk and a little more or less.
std::vector<RequestRecord> make_records() {
  Random random(1);
  std::vector<RequestRecord> records(kRecords);
  for (uint32_t i = 0; i < kRecords; ++i) {
    RequestRecord& record = records[i];
    record.run = {.point = at_concurrency(64), .repeat = 2};
    record.index = i;
    record.slot = i % 64;
    record.response_id = "chatcmpl-0123456789abcdef" + std::to_string(i);
    record.scheduled = from_ns(1'000'000'000'000 + int64_t{i} * 1'000'000);
    record.sent = record.scheduled + std::chrono::microseconds(20);
    record.first_byte = *record.sent + std::chrono::milliseconds(30);
    record.first_token = record.first_answer_token = record.first_choice = record.first_byte;
    Duration sum{};
    for (int chunk = 1; chunk < kChunks; ++chunk) {
      const auto gap = std::chrono::microseconds(4'900 + random.below(200));
      record.icl.add(gap, 1);
      record.itl.add(gap, 1);
      sum += gap;
    }
    record.last_token = record.last_choice = record.end = *record.first_token + sum;
    record.input_tokens = record.planned_input_tokens = 2'400;
    record.cached_tokens = 0;
    record.output_tokens = record.chunks = record.planned_output_tokens = kChunks;
    record.token_source = TokenSource::kUsage;
    record.http_status = 200;
    record.finish_reason = "length";
    record.icl.compact();
    record.itl.compact();
  }
  return records;
}

const std::vector<RequestRecord>& records() {
  static const std::vector<RequestRecord> made = make_records();
  return made;
}

void write_records(benchmark::State& state) {
  for (auto _ : state) {
    for (const RequestRecord& record : records()) {
      benchmark::DoNotOptimize(record_to_jsonl(record).data());
    }
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}

void read_records(benchmark::State& state) {
  std::string text;
  for (const RequestRecord& record : records()) text += record_to_jsonl(record);
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("record_benchmark." + std::to_string(::getpid()));
  write_file_atomically(path, text);
  for (auto _ : state) {
    RecordReader reader(path);
    int count = 0;
    while (reader.next()) ++count;
    if (count != kRecords) state.SkipWithError("records are missing");
  }
  std::filesystem::remove(path);
  state.SetItemsProcessed(state.iterations() * kRecords);
}

BENCHMARK(write_records)->Unit(benchmark::kMillisecond);
BENCHMARK(read_records)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmsweep

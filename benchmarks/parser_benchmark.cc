// The per-chunk path without the network: bytes → events → chunks → record.
//
// Each line is one kind of stream, read with one event a read (as when every chunk wakes the
// client) or 64 (coalesced). `x_memchr` is its CPU time over that of cutting the same bytes into
// lines with memchr and nothing else, measured right after it in the same run.
// `allocations_a_stream` is of a stream of 1,600 chunks, after the first: what a request's record
// needs once, nothing for a chunk.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/protocol/response.h"
#include "llmsweep/protocol/sse.h"
#include "protocol_allocations/counter.h"

namespace llmsweep {
namespace {

constexpr int kChunks = 1600;

struct Stream {
  std::string bytes;
  std::vector<std::string_view> reads;
};

std::string chunk(const std::string& choice, const std::string& more) {
  return R"(data: {"id":"chatcmpl-6LJVN6sL1Ba0AHBhKaXE4Joz88zi70Ij","object":"chat.completion.chunk",)"
         R"("created":1795313403,"model":"deepseek-ai/DeepSeek-V3.2","choices":[{"index":0,)" +
         choice + R"(,"logprobs":null,"finish_reason":null}])" + more + "}\n\n";
}

enum Dialect { kChat, kContinuousUsage, kCrlf };

Stream make_stream(Dialect dialect, int events_a_read) {
  Stream stream;
  std::vector<size_t> cuts = {0};
  for (int i = 1; i <= kChunks; ++i) {
    const std::string usage = R"(,"usage":{"prompt_tokens":2400,"total_tokens":)" +
                              std::to_string(2400 + i) + R"(,"completion_tokens":)" +
                              std::to_string(i) + "}";
    std::string text = chunk(R"("delta":{"content":" quiet"})",
                             dialect == kContinuousUsage ? usage : std::string());
    if (dialect == kCrlf) text.replace(text.size() - 2, 2, "\r\n\r\n");
    stream.bytes += text;
    if (i % events_a_read == 0) cuts.push_back(stream.bytes.size());
  }
  stream.bytes += "data: [DONE]\n\n";
  cuts.push_back(stream.bytes.size());
  for (size_t i = 1; i < cuts.size(); ++i) {
    stream.reads.push_back(
        std::string_view(stream.bytes).substr(cuts[i - 1], cuts[i] - cuts[i - 1]));
  }
  return stream;
}

int64_t split_only(const Stream& stream) {
  int64_t lines = 0;
  for (std::string_view read : stream.reads) {
    const char* begin = read.data();
    const char* const end = begin + read.size();
    while (begin < end) {
      const void* found = std::memchr(begin, '\n', static_cast<size_t>(end - begin));
      if (found == nullptr) break;
      begin = static_cast<const char*>(found) + 1;
      benchmark::DoNotOptimize(++lines);
    }
  }
  return lines;
}

double memchr_ns_a_stream(const Stream& stream) {
  constexpr int kRounds = 500;
  const Duration start = thread_cpu_time();
  for (int i = 0; i < kRounds; ++i) benchmark::DoNotOptimize(split_only(stream));
  return static_cast<double>((thread_cpu_time() - start).count()) / kRounds;
}

// The machine may be busy: what is compared is CPU time, not time.
template <class ReadStream>
void measure(benchmark::State& state, ReadStream read_stream) {
  const Stream stream =
      make_stream(static_cast<Dialect>(state.range(0)), static_cast<int>(state.range(1)));
  read_stream(stream);
  const uint64_t allocated = allocations_of_this_thread();
  const Duration start = thread_cpu_time();
  for (auto _ : state) read_stream(stream);
  const auto streams = static_cast<double>(state.iterations());
  const double ns_a_stream = static_cast<double>((thread_cpu_time() - start).count()) / streams;
  const auto allocations = static_cast<double>(allocations_of_this_thread() - allocated);
  state.counters["MB_a_second"] = static_cast<double>(stream.bytes.size()) / ns_a_stream * 1e3;
  state.counters["ns_a_chunk"] = ns_a_stream / kChunks;
  state.counters["x_memchr"] = ns_a_stream / memchr_ns_a_stream(stream);
  state.counters["allocations_a_stream"] = allocations / streams;
}

void split_lines(benchmark::State& state) {
  measure(state, [](const Stream& stream) { benchmark::DoNotOptimize(split_only(stream)); });
}

void sse_events(benchmark::State& state) {
  SseParser parser;
  measure(state, [&](const Stream& stream) {
    SseEvent event;
    for (std::string_view read : stream.reads) {
      parser.feed(read);
      while (parser.next(event)) benchmark::DoNotOptimize(event.data.data());
    }
  });
}

void record(benchmark::State& state) {
  ChunkParser parser;
  measure(state, [&](const Stream& stream) {
    RequestRecord record;
    ResponseReader reader(Api::kChat, record);
    int64_t at = 0;
    reader.headers(200, {}, from_ns(at));
    for (std::string_view read : stream.reads) {
      at += 5'000'000 + 125 * (at % 7);
      reader.bytes(read, from_ns(at), parser);
    }
    reader.end(from_ns(at), parser);
    benchmark::DoNotOptimize(record.chunks);
  });
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"dialect", "events_a_read"});
  for (int dialect : {kChat, kContinuousUsage, kCrlf}) {
    for (int events : {1, 64}) benchmark->Args({dialect, events});
  }
}

BENCHMARK(split_lines)->Apply(arguments);
BENCHMARK(sse_events)->Apply(arguments);
BENCHMARK(record)->Apply(arguments);

}  // namespace
}  // namespace llmsweep

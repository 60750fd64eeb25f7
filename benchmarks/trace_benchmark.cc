// Reading a trace of five million rows, beside a bare reader of its lines: rows a second, and the
// most memory that the process had. The ratio of the two rates of one run says what reading costs.
#include <benchmark/benchmark.h>

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "llmsweep/base/random.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/trace/trace.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

constexpr int kRows = 5'000'000;

// As BurstGPT writes them; removed at the end.
class TraceFile {
 public:
  TraceFile()
      : path_(fs::temp_directory_path() / ("trace-benchmark-" + std::to_string(::getpid()))) {
    std::FILE* file = std::fopen(path_.c_str(), "w");
    std::fputs("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type,Session ID\n",
               file);
    Random random(1);
    for (int row = 0; row < kRows; ++row) {
      const auto input = static_cast<int>(1 + random.below(4000));
      const auto output = static_cast<int>(1 + random.below(800));
      std::fprintf(file, "%d,ChatGPT,%d,%d,%d,Conversation log,s%d\n", row / 4, input, output,
                   input + output, row / 3);
    }
    std::fclose(file);
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile() { fs::remove(path_); }

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const TraceFile& trace_file() {
  static const TraceFile file;
  return file;
}

void report_memory(benchmark::State& state) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) / 1024;
  state.SetItemsProcessed(state.iterations() * kRows);
}

void BM_BareLines(benchmark::State& state) {
  const fs::path& path = trace_file().path();
  for (auto _ : state) {
    LineReader lines(path);
    int64_t bytes = 0;
    while (const auto line = lines.next()) bytes += static_cast<int64_t>(line->size());
    benchmark::DoNotOptimize(bytes);
  }
  report_memory(state);
}
BENCHMARK(BM_BareLines)->Unit(benchmark::kMillisecond);

void BM_ReadTrace(benchmark::State& state) {
  const fs::path& path = trace_file().path();
  for (auto _ : state) {
    const Trace trace = read_trace(path);
    benchmark::DoNotOptimize(trace.requests.size());
  }
  report_memory(state);
}
BENCHMARK(BM_ReadTrace)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmsweep

// Tokenizer and dataset. Needs tokenizers in LLMSWEEP_TOKENIZER_DIR (scripts/fetch-tokenizer);
// benchmarks/compare_huggingface.py sets the encoding speed beside Hugging Face's library.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dataset/dataset.h"
#include "dataset/random_text.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {
namespace {

std::string tokenizer_path(const char* file) {
  const char* folder = std::getenv("LLMSWEEP_TOKENIZER_DIR");
  return folder ? std::string(folder) + "/" + file : std::string();
}

// Documents of about 4 KB from the shipped sample: text, code, tables, twenty languages.
const std::vector<std::string>& documents() {
  static const std::vector<std::string> kDocuments = [] {
    Dataset sample = Dataset::open("sample", 1);
    Dataset::Reader reader(sample);
    std::vector<std::string> texts(1);
    for (int64_t i = 0; i < sample.size(); ++i) {
      for (const auto& turn : reader.read(static_cast<uint64_t>(i)).turns) {
        texts.back() += turn.second + "\n\n";
      }
      if (texts.back().size() > 4096) texts.emplace_back();
    }
    return texts;
  }();
  return kDocuments;
}

void encode(benchmark::State& state, const char* file) {
  if (!std::filesystem::exists(tokenizer_path(file))) {
    state.SkipWithError("not in LLMSWEEP_TOKENIZER_DIR");
    return;
  }
  auto tokenizer = load_tokenizer(tokenizer_path(file));
  auto encoder = tokenizer->encoder();
  int64_t bytes = 0;
  int64_t tokens = 0;
  for (auto _ : state) {
    for (const auto& text : documents()) {
      tokens += encoder->count(text);
      bytes += static_cast<int64_t>(text.size());
    }
  }
  state.SetBytesProcessed(bytes);
  state.counters["tokens"] =
      benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kAvgIterations);
}
BENCHMARK_CAPTURE(encode, deepseek_v3, "deepseek_v3.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, llama3, "llama3.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, qwen2_5, "qwen2_5.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, gemma3, "gemma3.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, llama2, "llama2.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, tekken, "tekken.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, unigram, "unigram.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, unigram_pieces, "unigram_pieces.model")->Unit(benchmark::kMillisecond);

void load(benchmark::State& state, const char* file) {
  if (!std::filesystem::exists(tokenizer_path(file))) {
    state.SkipWithError("not in LLMSWEEP_TOKENIZER_DIR");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(load_tokenizer(tokenizer_path(file)));
}
BENCHMARK_CAPTURE(load, deepseek_v3, "deepseek_v3.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, llama3, "llama3.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, gemma3, "gemma3.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, llama2, "llama2.json")->Unit(benchmark::kMillisecond);

// A megabyte of one character: nothing may be quadratic.
void one_character(benchmark::State& state, const char* unit) {
  if (!std::filesystem::exists(tokenizer_path("deepseek_v3.json"))) {
    state.SkipWithError("not in LLMSWEEP_TOKENIZER_DIR");
    return;
  }
  auto tokenizer = load_tokenizer(tokenizer_path("deepseek_v3.json"));
  auto encoder = tokenizer->encoder();
  std::string text;
  while (text.size() < (1 << 20)) text += unit;
  for (auto _ : state) benchmark::DoNotOptimize(encoder->count(text));
}
BENCHMARK_CAPTURE(one_character, letter, "a")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, space, " ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, newline, "\n")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, less_than, "<")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, digit, "1")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, emoji, "😀")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, han, "中")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_character, thai, "ก")->Unit(benchmark::kMillisecond);

// 1,000 prompts of exactly 2,400 tokens on two threads.
void build_prompts_2400(benchmark::State& state) {
  if (!std::filesystem::exists(tokenizer_path("deepseek_v3.json"))) {
    state.SkipWithError("not in LLMSWEEP_TOKENIZER_DIR");
    return;
  }
  auto tokenizer = load_tokenizer(tokenizer_path("deepseek_v3.json"));
  PromptPlan plan;
  plan.workload.input_tokens = TokenCount{.fixed = 2400};
  plan.needs = {{.count = 1000}};
  plan.threads = 2;
  for (auto _ : state) benchmark::DoNotOptimize(build_prompts(plan, tokenizer));
}
BENCHMARK(build_prompts_2400)->Unit(benchmark::kMillisecond)->UseRealTime();

// A file of ShareGPT's shape and size.
void write_big_file(const std::filesystem::path& path, size_t bytes) {
  std::ofstream out(path, std::ios::binary);
  size_t written = 0;
  for (uint64_t i = 0; written < bytes; ++i) {
    std::string record = (i == 0 ? "[" : ",") + std::string("{\"id\":\"r") + std::to_string(i) +
                         "_0\",\"conversations\":[";
    for (uint64_t turn = 0; turn < 10; ++turn) {
      record += std::string(turn == 0 ? "" : ",") + R"({"from":")" +
                (turn % 2 == 0 ? "human" : "gpt") + R"(","value":")" + random_paragraph(i, turn) +
                R"(\n\n\"quoted\" é \u4e2d"})";
    }
    record += "]}";
    out << record;
    written += record.size();
  }
  out << "]\n";
}

void scan_640_mb(benchmark::State& state) {
  auto path = std::filesystem::temp_directory_path() / "llmsweep_scan_benchmark.json";
  write_big_file(path, size_t{640} << 20);
  for (auto _ : state) {
    Duration before = thread_cpu_time();
    Dataset set = Dataset::open(path.string(), 1);
    state.SetIterationTime(to_seconds(thread_cpu_time() - before));
    state.counters["records"] = static_cast<double>(set.size());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_rss_mb"] = static_cast<double>(usage.ru_maxrss) / 1024;
  std::filesystem::remove(path);
}
BENCHMARK(scan_640_mb)->Unit(benchmark::kMillisecond)->UseManualTime()->Iterations(1);

}  // namespace
}  // namespace llmsweep

// Files that the tools themselves wrote (tests/import/data/README.md) against figures that
// expected.py computed from their per-request data.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "import/import_folder.h"
#include "llmsweep/import/import.h"

namespace llmsweep {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;

const std::filesystem::path kData = LLMSWEEP_SOURCE_DIR "/tests/import/data";

json expected_of(const std::string& tool) {
  json all = json::parse(std::ifstream(kData / "expected.json"));
  return all.at(tool);
}

// Instants pass through whole nanoseconds, and GuideLLM's through seconds of the epoch.
constexpr double kMs = 2e-3;

void expect_figures(const SweepResult& result, const json& expected) {
  ASSERT_EQ(result.levels.size(), expected.size());
  for (const LevelStats& level : result.levels) {
    const json& want = expected.at(std::to_string(level.point.concurrency()));
    SCOPED_TRACE(level.point.concurrency());
    const RunStats& run = level.pooled;
    EXPECT_EQ(run.requests.completed, want.at("completed"));
    EXPECT_EQ(run.requests.failed.value_or(0), 0);
    EXPECT_EQ(run.e2e.count, want.at("completed"));
    EXPECT_NEAR(*run.e2e.p50, want.at("e2e_p50"), kMs);
    EXPECT_NEAR(*run.e2e.p90, want.at("e2e_p90"), kMs);
    EXPECT_NEAR(*run.e2e.mean, want.at("e2e_mean"), kMs);
    EXPECT_NEAR(*run.ttft.p50, want.at("ttft_p50"), kMs);
    EXPECT_NEAR(*run.tpot.p50, want.at("tpot_p50"), kMs);
    EXPECT_NEAR(*run.output_tokens_mean, want.at("output_tokens_mean"), 1e-9);
    const double throughput = want.at("output_throughput");
    EXPECT_NEAR(*run.output_throughput_tps, throughput, 1e-4 * throughput);
    EXPECT_TRUE(run.e2e.p50_ci95);
    EXPECT_FALSE(run.e2e.p99);  // of a dozen requests
  }
}

TEST(ImportRealFiles, OfAiperf) {
  const SweepResult result = import_results({kData / "aiperf"}, on_gpus(1));
  EXPECT_EQ(result.tool, "AIPerf");
  EXPECT_EQ(result.model, "simulated");
  expect_figures(result, expected_of("aiperf"));
  EXPECT_EQ(result.workload.output_tokens.fixed, 20);  // the server's usage, not its tokenizer's 42
  EXPECT_TRUE(result.levels[0].pooled.steady_output_throughput_tps);
}

// Without the lines of its requests the summary is all there is: converted where it can be.
TEST(ImportRealFiles, OfAiperfsSummaryAlone) {
  const ImportFolder folder;
  std::ifstream file(kData / "aiperf/concurrency_2/profile_export_aiperf.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const SweepResult result =
      import_results({folder.add("profile_export_aiperf.json", text)}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 2);
  const RunStats& run = result.levels[0].pooled;
  const json want = expected_of("aiperf").at("2");
  EXPECT_NEAR(*run.e2e.p50, want.at("e2e_p50"), kMs);
  EXPECT_NEAR(*run.ttft.p50, want.at("ttft_p50"), kMs);
  EXPECT_FALSE(run.tpot.p50);  // by its tokenizer's count
  const json summary = json::parse(text);
  EXPECT_NEAR(*run.output_throughput_tps,
              240.0 / summary.at("benchmark_duration").at("avg").get<double>(), 1e-6);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("count different output tokens")));
}

TEST(ImportRealFiles, OfGuidellm) {
  const SweepResult result = import_results({kData / "guidellm"}, on_gpus(1));
  EXPECT_EQ(result.tool, "GuideLLM");
  expect_figures(result, expected_of("guidellm"));
  EXPECT_TRUE(result.levels[1].pooled.steady_output_throughput_tps);
}

TEST(ImportRealFiles, OfVllm) {
  const SweepResult result = import_results({kData / "vllm"});  // num_gpus is in its metadata
  EXPECT_EQ(result.tool, "vLLM bench serve");
  EXPECT_EQ(result.model, "simulated");
  EXPECT_EQ(result.system.gpus, 1);
  expect_figures(result, expected_of("vllm"));
  EXPECT_TRUE(result.levels[0].pooled.steady_output_throughput_tps);
}

TEST(ImportRealFiles, OfSglang) {
  const SweepResult result = import_results({kData / "sglang"}, on_gpus(1));
  EXPECT_EQ(result.tool, "SGLang bench_serving");
  EXPECT_EQ(result.workload.dataset, "random-ids");
  expect_figures(result, expected_of("sglang"));
  EXPECT_FALSE(result.levels[0].pooled.steady_output_throughput_tps);  // no start times
}

// It keeps no requests beside its tables: read off them by eye.
TEST(ImportRealFiles, OfEvalscope) {
  const SweepResult result = import_results({kData / "evalscope"}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_EQ(result.levels[1].point.concurrency(), 4);
  const RunStats& run = result.levels[0].pooled;
  EXPECT_EQ(run.requests.completed, 12);
  EXPECT_NEAR(*run.e2e.p50, 112.4, 1e-9);
  EXPECT_NEAR(*run.e2e.p90, 112.7, 1e-9);
  EXPECT_NEAR(*run.e2e.mean, 112.6, 1e-9);
  EXPECT_NEAR(*run.ttft.p50, 9.9419, 1e-9);
  EXPECT_NEAR(*run.tpot.p50, 5.394, 1e-9);
  EXPECT_NEAR(*run.output_throughput_tps, 353.5429, 1e-9);
  EXPECT_NEAR(*run.output_tokens_mean, 20, 1e-9);
  EXPECT_NEAR(*result.levels[1].pooled.e2e.p50, 120.2, 1e-9);
}

TEST(ImportRealFiles, OfGenaiBench) {
  const SweepResult result = import_results({kData / "genai-bench"});
  EXPECT_EQ(result.tool, "genai-bench");
  EXPECT_EQ(result.model, "simulated");
  EXPECT_EQ(result.system.gpus, 8);
  EXPECT_EQ(result.system.accelerator, "H200");
  expect_figures(result, expected_of("genai-bench"));
  EXPECT_FALSE(result.levels[0].pooled.steady_output_throughput_tps);  // no start times
}

}  // namespace
}  // namespace llmsweep

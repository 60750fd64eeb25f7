#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/import_folder.h"

namespace llmsweep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string tag(const std::string& name, const std::string& unit, double p50) {
  const std::string v = std::to_string(p50);
  return "\"" + name + "\": {\"unit\": \"" + unit + "\", \"avg\": " + v + ", \"min\": " + v +
         ", \"max\": " + v + ", \"p50\": " + v + ", \"p90\": " + v + ", \"p99\": " + v +
         ", \"std\": 0.0}";
}

std::string scalar(const std::string& name, const std::string& unit, double value) {
  return "\"" + name + "\": {\"unit\": \"" + unit + "\", \"avg\": " + std::to_string(value) + "}";
}

std::string aiperf_tags() {
  return tag("request_latency", "ms", 2000) + "," + tag("time_to_first_token", "sec", 0.25) + "," +
         tag("inter_token_latency", "ms", 10) + "," + tag("input_sequence_length", "tokens", 128) +
         "," + tag("output_sequence_length", "tokens", 176) + "," +
         scalar("output_token_throughput", "tokens/sec", 880) + "," +
         scalar("request_throughput", "requests/sec", 5) + "," +
         scalar("request_count", "requests", 310) + "," +
         scalar("error_request_count", "requests", 2) + "," +
         scalar("benchmark_duration", "sec", 62);
}

void expect_aiperf(const SweepResult& result, int concurrency) {
  EXPECT_EQ(result.tool, "AIPerf");
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), concurrency);
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 2000);
  EXPECT_DOUBLE_EQ(*stats.e2e.p99, 2000);
  EXPECT_DOUBLE_EQ(*stats.ttft.p50, 250);
  EXPECT_DOUBLE_EQ(*stats.tpot.p50, 10);
  EXPECT_FALSE(stats.itl.p50);
  EXPECT_DOUBLE_EQ(*stats.output_throughput_tps, 880);
  EXPECT_EQ(stats.requests.completed, 310);
  EXPECT_EQ(stats.requests.failed, 2);
  EXPECT_DOUBLE_EQ(*stats.wall_seconds, 62);
  EXPECT_EQ(result.workload.output_tokens.fixed, 176);
}

TEST(ImportAiperf, ReadsItsThreeLayouts) {
  const ImportFolder folder;
  const std::string errors = R"(, "error_summary": [{"count": 9}], "was_cancelled": false)";
  expect_aiperf(
      import_results(
          {folder.add("a/profile_export_aiperf.json",
                      R"({"records": {)" + aiperf_tags() +
                          R"(}, "input_config": {"loadgen": {"concurrency": 10}})" + errors + "}")},
          on_gpus(4)),
      10);
  expect_aiperf(import_results({folder.add("concurrency_20/profile_export_aiperf.json",
                                           "{" + aiperf_tags() + errors + "}")},
                               on_gpus(4)),
                20);
  expect_aiperf(import_results({folder.add("c/profile_export_aiperf.json",
                                           "{\"schema_version\": \"1.5\", " + aiperf_tags() +
                                               R"(, "run_info": {"variation_values":
                                       {"phases.profiling.concurrency": 40}})" +
                                               errors + "}")},
                               on_gpus(4)),
                40);
}

TEST(ImportAiperf, TakesAFolderOfLevelsForASweep) {
  const ImportFolder folder;
  for (const char* name : {"concurrency_8", "concurrency_16"}) {
    folder.add(std::string("sweep/") + name + "/profile_export_aiperf.json",
               "{" + aiperf_tags() + "}");
    folder.add(std::string("sweep/") + name + "/inputs.json", R"({"data": []})");
  }
  const SweepResult result = import_results({folder.path() / "sweep"}, on_gpus(2));
  EXPECT_EQ(result.name, "sweep");
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_EQ(result.levels[1].point.concurrency(), 16);
  EXPECT_DOUBLE_EQ(*result.levels[1].pooled.throughput_per_gpu_tps, 440);
}

std::string request_line(int64_t start_ms, double latency_ms, const std::string& error = "null") {
  const std::string start = std::to_string(1'700'000'000'000 + start_ms) + "000000";
  return R"({"metadata": {"request_start_ns": )" + start + R"(, "request_end_ns": )" + start +
         R"(, "benchmark_phase": "profiling", "was_cancelled": false}, "metrics": {)" +
         R"("request_latency": {"value": )" + std::to_string(latency_ms) +
         R"(, "unit": "ms"}, "time_to_first_token": {"value": 100, "unit": "ms"},
"output_sequence_length": {"value": 10, "unit": "tokens"},
"input_sequence_length": {"value": 20, "unit": "tokens"},
"inter_chunk_latency": {"value": [50, 70], "unit": "ms"}}, "error": )" +
         error + "}";
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text + "\n";
}

// Slot 1: 0 to 1 s, 1 to 2 s; both ok; a third request failed.
TEST(ImportAiperf, RecomputesFromItsPerRequestLines) {
  const ImportFolder folder;
  const std::string lines = one_line(request_line(0, 1000)) + one_line(request_line(1000, 500)) +
                            one_line(request_line(1500, 100, R"({"message": "boom"})"));
  folder.add("concurrency_1/profile_export.jsonl", lines);
  const SweepResult alone =
      import_results({folder.path() / "concurrency_1/profile_export.jsonl"}, on_gpus(1));
  ASSERT_EQ(alone.levels.size(), 1u);
  EXPECT_EQ(alone.levels[0].runs.size(), 1u);
  const RunStats& stats = alone.levels[0].pooled;
  EXPECT_NEAR(*stats.e2e.p50, 750, 1e-6);
  EXPECT_EQ(stats.requests.completed, 2);
  EXPECT_EQ(stats.requests.failed, 1);
  EXPECT_NEAR(*stats.tpot.p50, (900 / 9.0 + 400 / 9.0) / 2, 1e-6);
  EXPECT_NEAR(*stats.icl.p50, 60, 0.1);
  EXPECT_EQ(alone.workload.input_tokens->fixed, 20);

  folder.add("concurrency_1/profile_export_aiperf.json", "{" + aiperf_tags() + "}");
  const SweepResult both = import_results({folder.path() / "concurrency_1"}, on_gpus(1));
  EXPECT_EQ(both.levels[0].runs.size(), 1u);
  EXPECT_NEAR(*both.levels[0].pooled.e2e.p50, 750, 1e-6);
}

TEST(ImportGenaiPerf, IsToldFromAiperf) {
  const ImportFolder folder;
  const std::string text = "{" + aiperf_tags() +
                           R"(, "input_config": {"model": ["m"], "perf_analyzer":
                              {"stimulus": {"concurrency": 5}}, "models": ["m"]}})";
  const SweepResult result =
      import_results({folder.add("profile_export_genai_perf.json", text)}, on_gpus(1));
  EXPECT_EQ(result.tool, "GenAI-Perf");
  EXPECT_EQ(result.levels[0].point.concurrency(), 5);
  EXPECT_EQ(result.model, "m");
}

TEST(ImportAiperf, RefusesAUnitThatIsNoTime) {
  const ImportFolder folder;
  const auto file = folder.add("x.json", "{" + tag("request_latency", "tokens", 1) + "}");
  EXPECT_THAT(error_text([&] { import_results({file}, on_gpus(1)); }), HasSubstr("'tokens'"));
}

std::string guidellm_metrics() {
  const auto stats = [](double p50, const char* count) {
    const std::string v = std::to_string(p50);
    return R"({"successful": {"mean": )" + v + R"(, "median": )" + v +
           R"(, "std_dev": 0, "min": )" + v + R"(, "max": )" + v + R"(, "count": )" + count +
           R"(, "percentiles": {"p50": )" + v + R"(, "p90": )" + v + R"(, "p99": )" + v + "}}}";
  };
  return R"("metrics": {"request_totals": {"successful": 50, "errored": 0, "incomplete": 8},
"request_latency": )" +
         stats(1.5, "50") + R"(, "time_to_first_token_ms": )" + stats(90, "50") +
         R"(, "inter_token_latency_ms": )" + stats(7, "50") + R"(, "time_per_output_token_ms": )" +
         stats(99, "50") + R"(, "prompt_token_count": )" + stats(256, "50") +
         R"(, "output_token_count": )" + stats(128, "50") + R"(, "output_tokens_per_second": )" +
         stats(640, "50") + R"(, "requests_per_second": )" + stats(5, "50") +
         R"(, "request_concurrency": )" + stats(7.9, "50") + "}";
}

TEST(ImportGuidellm, ReadsVersionTwoAndLeavesOpenLoopRunsOut) {
  const ImportFolder folder;
  const std::string file =
      R"({"metadata": {"version": 2}, "config": {"spec": {"backend": {"model": "q"}}},
"benchmarks": [{"type_": "generative_benchmark", "config": {"strategy": {"type_": "concurrent",
"streams": 8}}, "duration": 10.0, )" +
      guidellm_metrics() +
      R"(, "requests": {"successful": []}}, {"config": {"strategy": {"type_": "poisson",
"rate": 3}}, )" +
      guidellm_metrics() + "}]}";
  const SweepResult result = import_results({folder.add("benchmarks.json", file)}, on_gpus(2));
  EXPECT_EQ(result.tool, "GuideLLM");
  EXPECT_EQ(result.model, "q");
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 8);
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 1500);
  EXPECT_DOUBLE_EQ(*stats.ttft.p50, 90);
  EXPECT_DOUBLE_EQ(*stats.tpot.p50, 7);
  EXPECT_FALSE(stats.e2e.p99);
  EXPECT_DOUBLE_EQ(*stats.output_throughput_tps, 640);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("1 benchmarks of another strategy")));
}

TEST(ImportGuidellm, ReadsOldFilesAndTheirRequests) {
  const ImportFolder folder;
  std::string metrics = guidellm_metrics();
  metrics.replace(metrics.find("\"successful\": 50"), 16, "\"successful\": 2");
  const std::string file =
      R"({"benchmarks": [{"args": {"strategy": {"type_": "synchronous"}}, )" + metrics +
      R"(, "requests": {"successful": [{"prompt_tokens": 5, "output_tokens": 11,
"start_time": 1700000000.0, "end_time": 1700000002.1, "first_token_time": 1700000000.5,
"last_token_time": 1700000002.0}, {"prompt_tokens": 5, "output_tokens": 11,
"start_time": 1700000003.0, "end_time": 1700000004.0, "first_token_time": 1700000003.5,
"last_token_time": 1700000004.0}]}}]})";
  const SweepResult result = import_results({folder.add("old.json", file)}, on_gpus(1));
  EXPECT_EQ(result.levels[0].point.concurrency(), 1);
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_NEAR(*stats.e2e.p50, 1500, 0.01);
  EXPECT_NEAR(*stats.ttft.p50, 500, 0.01);
  EXPECT_NEAR(*stats.tpot.p50, 100, 0.01);
  EXPECT_NEAR(*stats.output_throughput_tps, 22.0 / 4, 1e-3);
}

TEST(ImportGuidellm, RefusesAFileWithoutAConcurrency) {
  const ImportFolder folder;
  const auto file = folder.add("x.json", R"({"benchmarks": [{"config": {"strategy":
{"type_": "throughput"}}, )" + guidellm_metrics() +
                                             "}]}");
  EXPECT_THAT(error_text([&] { import_results({file}, on_gpus(1)); }), HasSubstr("concurren"));
}

std::string stage(int concurrency) {
  return R"({"benchmark_time_seconds": 20.0, "load_summary": {"count": 100, "concurrency": )" +
         std::to_string(concurrency) + R"(}, "successes": {"count": 99, "latency": {
"request_latency": {"mean": 2.1, "median": 2.0, "p90": 2.5, "p99": 3.0, "min": 1.0, "max": 4.0},
"time_to_first_token": {"mean": 0.11, "median": 0.1}, "time_per_output_token": {"median": 0.01},
"normalized_time_per_output_token": {"median": 0.5}, "inter_token_latency": {"median": 0.02}},
"throughput": {"output_tokens_per_sec": 495.0, "requests_per_sec": 4.95},
"prompt_len": {"mean": 64.0, "min": 64.0, "max": 64.0}, "output_len": {"mean": 100.0}}, "failures": {"count": 1}})";
}

TEST(ImportInferencePerf, TakesTheStagesOfADirectoryAndNotTheirSummary) {
  const ImportFolder folder;
  folder.add("reports/stage_0_lifecycle_metrics.json", stage(4));
  folder.add("reports/stage_1_lifecycle_metrics.json", stage(8));
  folder.add("reports/summary_lifecycle_metrics.json", stage(99));
  folder.add("reports/per_request_lifecycle_metrics.json", "[]");
  folder.add("reports/config.yaml", "server: {}");
  const SweepResult result = import_results({folder.path() / "reports"}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_EQ(result.levels[1].point.concurrency(), 8);
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 2000);
  EXPECT_DOUBLE_EQ(*stats.tpot.p50, 10);
  EXPECT_DOUBLE_EQ(*stats.icl.p50, 20);
  EXPECT_EQ(stats.requests.failed, 1);
  EXPECT_TRUE(stats.valid);  // 1 % exactly
  EXPECT_EQ(result.workload.input_tokens->fixed, 64);
}

TEST(ImportGenaiBench, ReadsTheUnitAndTheServerFromTheMetadata) {
  const ImportFolder folder;
  const auto level = [](int concurrency, double e2e) {
    return R"({"aggregated_metrics": {"scenario": "D100", "num_concurrency": )" +
           std::to_string(concurrency) + R"(, "run_duration": 10, "num_completed_requests": 20,
"num_error_requests": 0, "mean_output_throughput_tokens_per_s": 200, "requests_per_second": 2,
"stats": {"e2e_latency": {"mean": 1, "p50": )" +
           std::to_string(e2e) +
           R"(}, "ttft": {"p50": 0.1}, "tpot": {"p50": 0.009}, "num_input_tokens": {"mean": 100,
"stddev": 0}, "num_output_tokens": {"mean": 100, "stddev": 2.5}}},
"individual_request_metrics": []})";
  };
  folder.add("run/D_text_concurrency_1_time_10s.json", level(1, 1.25));
  folder.add("run/D_text_concurrency_2_time_10s.json", level(2, 1.5));
  folder.add("run/experiment_metadata.json",
             R"({"model": "llama", "server_gpu_type": "H100", "server_gpu_count": "4",
                 "server_engine": "vLLM", "metrics_time_unit": "s"})");
  const SweepResult result = import_results({folder.path() / "run"});
  EXPECT_EQ(result.model, "llama");
  EXPECT_EQ(result.system.accelerator, "H100");
  EXPECT_EQ(result.system.gpus, 4);
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.e2e.p50, 1250);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.tpot.p50, 9);
  EXPECT_EQ(result.workload.output_tokens.kind, TokenCount::Kind::kNormal);
  folder.add("run/experiment_metadata.json",
             R"({"server_gpu_count": 4, "metrics_time_unit": "ms"})");
  EXPECT_DOUBLE_EQ(*import_results({folder.path() / "run"}).levels[0].pooled.e2e.p50, 1.25);
}

TEST(ImportLlmperf, LeavesOutTheLatencyThatIncludesTheFirstToken) {
  const ImportFolder folder;
  const std::string file = R"({"version": "2023-08-31", "name": "x", "model": "m",
"num_concurrent_requests": 4, "results_inter_token_latency_s_quantiles_p50": 0.02,
"results_ttft_s_quantiles_p50": 0.3, "results_ttft_s_mean": 0.31,
"results_end_to_end_latency_s_quantiles_p50": 3.0, "results_end_to_end_latency_s_quantiles_p99": 5.0,
"results_number_input_tokens_mean": 550.0, "results_number_output_tokens_mean": 150.0,
"results_num_requests_started": 310, "results_error_rate": 0.0, "results_number_errors": 0,
"results_error_code_frequency": "{}", "results_mean_output_throughput_token_per_s": 200.0,
"results_num_completed_requests": 310, "results_num_completed_requests_per_min": 80.0,
"results_request_output_throughput_token_per_s_quantiles_p50": 50.0, "timestamp": 1})";
  const SweepResult result = import_results({folder.add("m_summary.json", file)}, on_gpus(1));
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_EQ(result.levels[0].point.concurrency(), 4);
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 3000);
  EXPECT_DOUBLE_EQ(*stats.e2e.p99, 5000);
  EXPECT_DOUBLE_EQ(*stats.ttft.p50, 300);
  EXPECT_FALSE(stats.tpot.p50);
  EXPECT_FALSE(stats.itl.p50);
  EXPECT_NEAR(*stats.request_throughput_rps, 80.0 / 60, 1e-12);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("includes the time to the first token")));
}

TEST(ImportTrtllmBench, NeedsToBeToldItsConcurrency) {
  const ImportFolder folder;
  const auto file = folder.add("r.json", R"({"engine": {"model": "m", "version": "1.2"},
"machine": {"name": "NVIDIA H200"}, "world_info": {"tp_size": 8, "world_size": 8},
"request_info": {"num_requests": 400, "avg_num_concurrent_requests": 7.9, "avg_input_length": 2400,
"avg_output_length": 1600}, "performance": {"total_latency_ms": 60000,
"request_throughput_req_s": 6.6, "system_output_throughput_tok_s": 872.0,
"request_latency_percentiles_ms": {"minimum": 1, "maximum": 9, "average": 5, "p50": 14716, "p99": 20}},
"streaming_metrics": {"ttft_percentiles": {"p50": 100}, "tpot_percentiles": {"p50": 9}}})");
  EXPECT_THAT(error_text([&] { import_results({file}); }), HasSubstr("--concurrency"));
  const SweepResult result = import_results({file}, {.concurrency = 8});
  EXPECT_EQ(result.system.gpus, 8);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.e2e.p50, 14716);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("no HTTP")));
}

TEST(ImportOthers, ReadInferenceBenchmarkerAndEvalscope) {
  const ImportFolder folder;
  const auto hf = folder.add("hf.json", R"({"config": {"model_name": "m"}, "results": [
{"id": "warmup", "executor_type": "ConstantVUs", "config": {"max_vus": 1}, "e2e_latency_ms": {}},
{"id": "vus8", "executor_type": "ConstantVUs", "config": {"max_vus": 8}, "total_requests": 40,
"total_tokens": 4000, "total_tokens_sent": 8000, "token_throughput_secs": 400, "duration_ms": 10000,
"time_to_first_token_ms": {"p50": 80, "avg": 82}, "inter_token_latency_ms": {"p50": 9},
"e2e_latency_ms": {"p50": 1000, "p90": 1200, "avg": 1010}, "failed_requests": 0,
"successful_requests": 40, "request_rate": 4.0}]})");
  const SweepResult result = import_results({hf}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 8);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.e2e.p50, 1000);
  EXPECT_EQ(result.workload.output_tokens,
            (TokenCount{.kind = TokenCount::Kind::kNormal, .mean = 100}));  // of a total

  folder.add("ev/benchmark_summary.json", R"raw({"Concurrency": 8, "Total Requests": 20,
"Success Requests": 20, "Failed Requests": 0, "Avg Latency (s)": 2.2, "Avg TTFT (ms)": 60,
"Output Throughput (tok/s)": 300, "Avg Input Tokens": 10, "Avg Output Tokens": 20
})raw");
  folder.add("ev/benchmark_percentile.json", R"raw([{"Percentiles": "50%", "TTFT (ms)": 55,
"TPOT (ms)": 8, "Latency (s)": 2.0
}, {"Percentiles": "90%", "Latency (s)": 3.0}])raw");
  const SweepResult ev = import_results({folder.path() / "ev"}, on_gpus(1));
  EXPECT_EQ(ev.tool, "evalscope perf");
  EXPECT_DOUBLE_EQ(*ev.levels[0].pooled.e2e.p50, 2000);
  EXPECT_DOUBLE_EQ(*ev.levels[0].pooled.e2e.p90, 3000);
  EXPECT_DOUBLE_EQ(*ev.levels[0].pooled.tpot.p50, 8);
}

TEST(ImportQuality, TakesSharesAndNamesTheirMetric) {
  const ImportFolder folder;
  const auto file = folder.add("results.json", R"({"results": {
"gpqa_diamond": {"alias": "gpqa", "exact_match,none": 0.835, "exact_match_stderr,none": 0.02},
"mmlu": {"acc,none": 0.8, "acc_norm,none": 0.81},
"wikitext": {"word_perplexity,none": 12.3}}, "versions": {}})");
  EXPECT_THAT(import_quality(file),
              ElementsAre(std::pair("gpqa_diamond", 0.835), std::pair("mmlu (acc,none)", 0.8),
                          std::pair("mmlu (acc_norm,none)", 0.81)));
  EXPECT_THAT(error_text([&] { import_quality(folder.add("x.json", "{}")); }),
              HasSubstr("lm-evaluation-harness"));
}

}  // namespace
}  // namespace llmsweep

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/import_folder.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/results/export.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What `vllm bench serve` writes, at one concurrency.
std::string vllm(int concurrency, double e2e_ms, const std::string& more = "") {
  return R"({"date": "20261121-120000", "endpoint_type": "openai-chat", "backend": "openai-chat",
"label": null, "model_id": "m", "tokenizer_id": "m", "num_prompts": 400, "num_gpus": "8",
"request_rate": "inf", "burstiness": 1.0, "max_concurrency": )" +
         std::to_string(concurrency) +
         R"(, "duration": 100.0, "completed": 400, "failed": 0, "total_input_tokens": 960000,
"total_output_tokens": 640000, "request_throughput": 4.0, "request_goodput": null,
"output_throughput": 6400.0, "total_token_throughput": 16000.0, "mean_ttft_ms": 81.0,
"median_ttft_ms": 80.0, "std_ttft_ms": 3.0, "p99_ttft_ms": 95.0, "mean_tpot_ms": 9.1,
"median_tpot_ms": 9.0, "p99_tpot_ms": 11.0, "median_itl_ms": 18.0, "mean_itl_ms": 18.1,
"p99_itl_ms": 40.0, "mean_e2el_ms": 14800.0, "median_e2el_ms": )" +
         std::to_string(e2e_ms) + R"(, "p90_e2el_ms": 15500.0, "p99_e2el_ms": 16000.0)" + more +
         "}";
}

TEST(ImportVllm, TakesEachFigureByOurDefinition) {
  const ImportFolder folder;
  const SweepResult result = import_results({folder.add("a.json", vllm(8, 14716))});
  EXPECT_EQ(result.tool, "vLLM bench serve");
  EXPECT_EQ(result.source, Source::kImported);
  EXPECT_EQ(result.name, "a");
  EXPECT_EQ(result.model, "m");
  EXPECT_EQ(result.system.gpus, 8);
  // Of totals: whether they vary is not said.
  EXPECT_EQ(result.workload.input_tokens,
            (TokenCount{.kind = TokenCount::Kind::kNormal, .mean = 2400}));
  EXPECT_EQ(mean_tokens(result.workload.output_tokens), 1600);
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 8);
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 14716);
  EXPECT_DOUBLE_EQ(*stats.e2e.p90, 15500);
  EXPECT_DOUBLE_EQ(*stats.e2e.p99, 16000);  // 400 requests
  EXPECT_DOUBLE_EQ(*stats.ttft.p50, 80);
  EXPECT_DOUBLE_EQ(*stats.tpot.p50, 9);
  EXPECT_DOUBLE_EQ(*stats.icl.p50, 18);
  EXPECT_FALSE(stats.itl.p50);
  EXPECT_DOUBLE_EQ(*stats.output_throughput_tps, 6400);
  EXPECT_FALSE(stats.steady_output_throughput_tps);
  EXPECT_DOUBLE_EQ(*stats.throughput_per_gpu_tps, 800);
  EXPECT_NEAR(*stats.decode_speed_tps, 111.11, 0.01);
  EXPECT_THAT(stats.warnings, ElementsAre(Warning::kOneRepeat, Warning::kWithDrain));
  EXPECT_TRUE(stats.valid);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("imported as ICL")));
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("a.json")));
}

TEST(ImportVllm, MakesOneResultOfTheLinesOfASweepAndRunsOfEqualLevels) {
  const ImportFolder folder;
  std::string lines;
  for (const auto& [concurrency, e2e] :
       {std::pair{16, 100.0}, std::pair{8, 98.0}, std::pair{8, 100.0}, std::pair{8, 102.0}}) {
    std::string line = vllm(concurrency, e2e);
    line.erase(std::remove(line.begin(), line.end(), '\n'), line.end());
    lines += line + "\n";
  }
  const SweepResult result = import_results({folder.add("sweep.jsonl", lines)});
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 8);
  EXPECT_EQ(result.levels[0].runs.size(), 3u);
  EXPECT_NEAR(*result.levels[0].pooled.e2e.p50, std::cbrt(98.0 * 100 * 102), 1e-9);
  EXPECT_EQ(result.levels[0].pooled.requests.completed, 1200);
  EXPECT_NEAR(*result.levels[0].pooled.output_throughput_tps, 6400, 1e-9);
  ASSERT_TRUE(result.levels[0].e2e_p50_between_runs_ci95);
  // logs: s = 0.020003, t(2) = 4.30265, half = 0.04969
  EXPECT_NEAR(result.levels[0].e2e_p50_between_runs_ci95->high / 99.98666, std::exp(0.04969), 1e-4);
  EXPECT_FALSE(result.levels[1].e2e_p50_between_runs_ci95);
}

// Two requests of one slot: 0 to 1 s and 1.5 to 2.5 s, 11 tokens each.
TEST(ImportVllm, RecomputesEverythingFromPerRequestData) {
  const ImportFolder folder;
  const std::string detail = R"(, "input_lens": [10, 10], "output_lens": [11, 11],
"ttfts": [0.2, 0.4], "itls": [[0.4, 0.4], [0.3, 0.3]], "start_times": [100.0, 101.5],
"errors": ["", ""], "generated_texts": ["a", "b"])";
  const SweepResult result = import_results({folder.add("d.json", vllm(1, 999, detail))});
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_NEAR(*stats.e2e.p50, 1000, 1e-6);
  EXPECT_NEAR(*stats.ttft.p50, 300, 1e-6);
  EXPECT_NEAR(*stats.tpot.p50, (80.0 + 60.0) / 2, 1e-6);
  EXPECT_EQ(stats.icl.count, 4);
  EXPECT_NEAR(*stats.icl.p50, 350, 1);
  EXPECT_NEAR(*stats.output_throughput_tps, 22 / 2.5, 1e-9);
  EXPECT_NEAR(*stats.output_speed_tps, 11, 1e-9);
  EXPECT_EQ(stats.requests.completed, 2);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("recomputed")));
}

TEST(ImportVllm, TakesLatenciesWhereOldFilesHaveNoEndToEndFigures) {
  const ImportFolder folder;
  const std::string file =
      R"({"model_id": "m", "max_concurrency": 4, "duration": 10, "completed": 3,
"total_input_tokens": 30, "total_output_tokens": 30, "output_throughput": 3.0, "num_prompts": 4,
"latencies": [1.0, 2.0, 4.0]})";
  const SweepResult result = import_results({folder.add("o.json", file)}, on_gpus(1));
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_NEAR(*stats.e2e.p50, 2000, 1e-6);
  EXPECT_EQ(stats.requests.failed, 1);
  EXPECT_FALSE(stats.valid);
  EXPECT_THAT(stats.invalid_reasons, ElementsAre(InvalidReason::kErrors));
}

TEST(ImportVllm, LeavesOutPercentilesThatNeedMoreRequests) {
  const ImportFolder folder;
  std::string file = vllm(8, 14716);
  file.replace(file.find("\"completed\": 400"), 16, "\"completed\": 299");
  EXPECT_FALSE(import_results({folder.add("a.json", file)}).levels[0].pooled.e2e.p99);
}

TEST(ImportVllm, CountsOneRunThatIsReadTwiceOnce) {
  const ImportFolder folder;
  const auto first = folder.add("a.json", vllm(8, 14716)),
             copy = folder.add("b.json", vllm(8, 14716));
  for (const auto& paths : {std::vector{first, first}, std::vector{first, copy}}) {
    const SweepResult result = import_results(paths);
    ASSERT_EQ(result.levels[0].runs.size(), 1u);
    EXPECT_FALSE(result.levels[0].e2e_p50_between_runs_ci95);
    EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("is the same run as")));
  }
  EXPECT_EQ(import_results({first, folder.add("c.json", vllm(8, 14717))}).levels[0].runs.size(),
            2u);
}

TEST(ImportVllm, SaysNothingWhereNoRequestEndedWell) {
  const ImportFolder folder;
  const std::string file =
      R"({"model_id": "m", "max_concurrency": 4, "duration": 10, "completed": 0,
"failed": 4, "total_input_tokens": 0, "total_output_tokens": 0, "output_throughput": 0.0,
"mean_ttft_ms": 0.0, "median_ttft_ms": 0.0, "p99_ttft_ms": 0.0})";
  const SweepResult result = import_results({folder.add("f.json", file)}, on_gpus(1));
  EXPECT_FALSE(result.levels[0].pooled.ttft.p50);
  const std::string text = result_to_json(result);
  EXPECT_THAT(text, HasSubstr("\"output_speed_tps\": null"));
  EXPECT_THAT(text, HasSubstr("\"input_tokens_mean\": null"));
}

TEST(ImportVllm, KeepsTheMarksOfOurOwnExport) {
  const ImportFolder folder;
  SweepResult result = import_results({folder.add("a.json", vllm(8, 14716))});
  result.source = Source::kMeasured;
  result.simulated = true;
  result.levels[0].pooled.valid = false;
  result.levels[0].pooled.invalid_reasons = {InvalidReason::kClientBusy};
  const SweepResult again = import_results({folder.add("e.json", export_vllm_json(result))});
  EXPECT_TRUE(again.simulated);
  EXPECT_FALSE(again.levels[0].pooled.valid);
  EXPECT_THAT(again.levels[0].pooled.invalid_reasons, ElementsAre(InvalidReason::kClientBusy));
  EXPECT_FALSE(again.levels[0].runs[0].valid);
}

// What `vllm bench serve --backend openai-embeddings` writes.
std::string vllm_embeddings(const std::string& sequences) {
  return R"({"date": "20261121-120000", "endpoint_type": "openai-embeddings",
"backend": "openai-embeddings", "label": null, "model_id": "m", "tokenizer_id": "m",
"num_prompts": 400, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 8,
"duration": 100.0, "completed": 396, "total_input_tokens": 39600, )" +
         sequences +
         R"("request_throughput": 3.96, "total_token_throughput": 396.0, "mean_e2el_ms": 2010.0,
"median_e2el_ms": 2000.0, "std_e2el_ms": 30.0, "p99_e2el_ms": 2500.0})";
}

TEST(ImportVllm, ReadsEmbeddings) {
  const ImportFolder folder;
  const auto file = folder.add(
      "e.json",
      vllm_embeddings(R"("total_input_sequences": 1188, "input_sequence_throughput": 11.88, )"));
  const SweepResult result = import_results({file}, on_gpus(1));
  EXPECT_EQ(result.workload.inputs_per_request, 3);
  EXPECT_FALSE(result.workload.streaming);
  const RunStats& stats = result.levels.at(0).pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 2000);
  EXPECT_DOUBLE_EQ(*stats.e2e.p99, 2500);
  EXPECT_DOUBLE_EQ(*stats.inputs_per_s, 11.88);
  EXPECT_DOUBLE_EQ(*stats.input_throughput_tps, 396);
  EXPECT_DOUBLE_EQ(*stats.input_tokens_mean, 100);
  EXPECT_EQ(stats.requests.failed, 4);
  EXPECT_FALSE(stats.ttft.p50);
  EXPECT_FALSE(stats.output_throughput_tps);
  EXPECT_FALSE(stats.output_tokens_mean);
}

TEST(ImportVllm, OfEmbeddingsThatDoNotSayTheirTextsTakesOneARequest) {
  const ImportFolder folder;
  const SweepResult result =
      import_results({folder.add("e.json", vllm_embeddings(""))}, on_gpus(1));
  EXPECT_EQ(result.workload.inputs_per_request, 1);
  EXPECT_DOUBLE_EQ(*result.levels.at(0).pooled.inputs_per_s, 3.96);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("does not say how many texts")));
}

TEST(ImportVllm, DoesNotMixEmbeddingsOfUnlikeRequests) {
  const ImportFolder folder;
  const auto three = folder.add("a.json", vllm_embeddings(R"("total_input_sequences": 1188, )"));
  const auto two = folder.add("b.json", vllm_embeddings(R"("total_input_sequences": 792, )"));
  const std::string error = error_text([&] { import_results({three, two}, on_gpus(1)); });
  EXPECT_THAT(error, HasSubstr("the texts of each request are 3 and 2"));
  EXPECT_THAT(error, HasSubstr("--only inputs_per_request=3"));
}

TEST(ImportVllm, ReadsOurExportOfEmbeddings) {
  const ImportFolder folder;
  const auto file = folder.add(
      "e.json",
      vllm_embeddings(R"("total_input_sequences": 1188, "input_sequence_throughput": 11.88, )"));
  const SweepResult once = import_results({file}, on_gpus(1));
  const SweepResult again =
      import_results({folder.add("x.json", export_vllm_json(once))}, on_gpus(1));
  EXPECT_EQ(again.workload.inputs_per_request, 3);
  EXPECT_EQ(again.levels.at(0).pooled.inputs_per_s, once.levels.at(0).pooled.inputs_per_s);
  EXPECT_EQ(again.levels.at(0).pooled.e2e.p50, once.levels.at(0).pooled.e2e.p50);
}

TEST(ImportVllm, TellsItsDescendantsApart) {
  const ImportFolder folder;
  const auto tool_of = [&folder](const std::string& more) {
    return import_results({folder.add("x.json", vllm(8, 1, more))}).tool;
  };
  EXPECT_EQ(tool_of(R"(, "steady_state": null, "max_model_len": 8192)"), "vllm-bench");
  EXPECT_EQ(tool_of(R"(, "benchmark_start_time_unix": 1, "best_of": 1)"),
            "InferenceX benchmark_serving");
  EXPECT_EQ(tool_of(R"(, "user_throughput": 3.0, "energy": {}, "request_goodput:": 2.5)"),
            "TensorRT LLM benchmark_serving");
  const SweepResult colon =
      import_results({folder.add("c.json", vllm(8, 1, R"(, "request_goodput:": 2.5)"))});
  EXPECT_DOUBLE_EQ(*colon.levels[0].pooled.goodput_rps, 2.5);
}

std::string sglang(const std::string& rate) {
  return R"({"backend": "sglang", "dataset_name": "random", "request_rate": )" + rate +
         R"(, "max_concurrency": 16, "server_info": {"model_path": "deepseek", "tp_size": 4},
"duration": 50.0, "completed": 320, "total_input_tokens": 320, "total_output_tokens": 640,
"total_output_tokens_retokenized": 639, "request_throughput": 6.4, "output_throughput": 12.8,
"total_throughput": 19.2, "mean_e2e_latency_ms": 2000.0, "median_e2e_latency_ms": 1900.0,
"median_ttft_ms": 100.0, "median_tpot_ms": NaN, "median_itl_ms": 5.0, "p99_e2e_latency_ms": 3000.0,
"concurrency": 15.5})";
}

TEST(ImportSglang, ReadsBareInfinityAndNaN) {
  const ImportFolder folder;
  std::string line = sglang("Infinity");
  line.erase(std::remove(line.begin(), line.end(), '\n'), line.end());
  const SweepResult result = import_results({folder.add("s.jsonl", line + "\n")});
  EXPECT_EQ(result.tool, "SGLang bench_serving");
  EXPECT_EQ(result.model, "deepseek");
  EXPECT_EQ(result.system.gpus, 4);
  EXPECT_EQ(result.workload.dataset, "random");
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 1900);
  EXPECT_DOUBLE_EQ(*stats.e2e.p99, 3000);
  EXPECT_DOUBLE_EQ(*stats.ttft.p50, 100);
  EXPECT_FALSE(stats.tpot.p50);
  EXPECT_FALSE(stats.itl.p50);
  EXPECT_FALSE(stats.icl.p50);
  EXPECT_DOUBLE_EQ(*stats.achieved_concurrency, 15.5);
  EXPECT_EQ(mean_tokens(result.workload.output_tokens), 2);
}

TEST(ImportSglang, NotesARateBesideTheConcurrency) {
  const ImportFolder folder;
  EXPECT_THAT(import_results({folder.add("s.json", sglang("8.0"))}).provenance.notes,
              Contains(HasSubstr("held to 8 a second")));
}

TEST(ImportInferenceX, ReadsSecondsAndMultipliesPerGpuRates) {
  const ImportFolder folder;
  const std::string single = R"({"hw": "b200", "conc": 64, "model": "ds", "framework": "trt",
"precision": "fp4", "spec_decoding": "mtp", "isl": 1024, "osl": 1024, "is_multinode": false,
"tp": 8, "ep": 1, "tput_per_gpu": 1000.0, "output_tput_per_gpu": 500.0, "input_tput_per_gpu": 500.0,
"mean_ttft": 0.21, "median_ttft": 0.2, "p99_ttft": 0.9, "median_tpot": 0.01, "median_itl": 0.02,
"median_e2el": 10.5, "p90_e2el": 12.0, "p99_e2el": 14.0, "median_intvty": 100.0, "std_intvty": 3.0})";
  const SweepResult result = import_results({folder.add("agg_a.json", single)});
  EXPECT_EQ(result.system.gpus, 8);
  EXPECT_EQ(result.system.accelerator, "b200");
  EXPECT_EQ(result.system.mtp, true);
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*stats.e2e.p50, 10500);
  EXPECT_DOUBLE_EQ(*stats.e2e.p90, 12000);
  EXPECT_FALSE(stats.e2e.p99);  // nobody says of how many requests
  EXPECT_DOUBLE_EQ(*stats.ttft.p50, 200);
  EXPECT_DOUBLE_EQ(*stats.tpot.p50, 10);
  EXPECT_DOUBLE_EQ(*stats.output_throughput_tps, 4000);

  const std::string multi = R"([{"hw": "gb200", "conc": 8, "model": "ds", "framework": "dynamo",
"precision": "fp4", "isl": 8192, "osl": 1024, "is_multinode": true, "num_prefill_gpu": 8,
"num_decode_gpu": 24, "output_tput_per_gpu": 100.0, "median_e2el": 1.0},
{"hw": "gb200", "conc": 16, "model": "ds", "framework": "dynamo", "precision": "fp4", "isl": 8192,
"osl": 1024, "is_multinode": true, "num_prefill_gpu": 8, "num_decode_gpu": 24,
"output_tput_per_gpu": 150.0, "median_e2el": 2.0}])";
  const SweepResult nodes = import_results({folder.add("agg_bmk.json", multi)});
  EXPECT_EQ(nodes.system.gpus, 32);
  ASSERT_EQ(nodes.levels.size(), 2u);
  EXPECT_DOUBLE_EQ(*nodes.levels[0].pooled.output_throughput_tps, 2400);
  EXPECT_DOUBLE_EQ(*nodes.levels[0].pooled.throughput_per_gpu_tps, 75);
  // A median of nobody says how many requests still judges a level; a tail does not.
  const Target median{.max = std::chrono::milliseconds(1500)};
  const UsersAtTarget users = users_at_target(nodes.levels, median, nodes.system.gpus);
  EXPECT_EQ(users.kind, UsersKind::kMeasured);
  EXPECT_EQ(users.users, 8);
  EXPECT_EQ(users.c_fail, 16);
  const Target tail{.statistic = Statistic::kP90, .max = std::chrono::seconds(20)};
  EXPECT_EQ(users_at_target(result.levels, tail, 8).kind, UsersKind::kNoValidLevel);
}

TEST(Import, TakesNoNumberThatCannotBeACount) {
  const ImportFolder folder;
  const std::string row = R"([{"hw": "h", "conc": 16999999999999, "output_tput_per_gpu": 1.0}])";
  EXPECT_THAT([&] { import_results({folder.add("agg_huge.json", row)}); },
              testing::ThrowsMessage<Error>(HasSubstr("no sensible 'conc'")));
  const std::string huge = vllm(1, 1, R"(, "failed": 1e300)");
  EXPECT_FALSE(import_results({folder.add("failed.json", huge)}).levels[0].pooled.requests.failed);
  EXPECT_THAT(
      [&] { import_results({folder.add("gpus.json", vllm(1, 1, R"(, "num_gpus": 1e17)"))}); },
      testing::ThrowsMessage<Error>(HasSubstr("how many GPUs")));
}

// The formula fixtures: 500 / (TTFT + 499 · ITL) by the published figures.
TEST(ImportVllm, AgreesWithPublishedThroughputs) {
  const ImportFolder folder;
  const auto request = [](double ttft, double itl) {
    std::string gaps;
    for (int i = 0; i < 499; ++i) gaps += (i > 0 ? "," : "") + std::to_string(itl);
    return R"(, "input_lens": [5000], "output_lens": [500], "ttfts": [)" + std::to_string(ttft) +
           R"(], "itls": [[)" + gaps + R"(]], "start_times": [0.0], "errors": [""])";
  };
  const SweepResult alone =
      import_results({folder.add("f.json", vllm(1, 1, request(0.40677, 0.01858)))});
  EXPECT_NEAR(*alone.levels[0].pooled.output_throughput_tps, 51.67, 0.02);
  EXPECT_NEAR(*alone.levels[0].pooled.tpot.p50, 18.58, 1e-6);
}

}  // namespace
}  // namespace llmsweep

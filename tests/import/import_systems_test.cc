// What makes a system, how many GPUs it has, and whether a level can be trusted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "import/import_folder.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A row of InferenceX: 8 GPUs where nothing else is said.
std::string row(int concurrency, const std::string& more = R"("tp": 8)") {
  return R"({"hw": "b300", "framework": "trt", "model": "m", "precision": "fp4", "isl": 8192,
"osl": 1024, "conc": )" +
         std::to_string(concurrency) +
         R"(, "output_tput_per_gpu": 100.0, "median_e2el": 8.0, "p90_e2el": 9.0, )" + more + "}";
}

SweepResult of_rows(const std::string& rows, const ImportOptions& options = {}) {
  const ImportFolder folder;
  return import_results({folder.add("agg_bmk.json", "[" + rows + "]")}, options);
}

TEST(ImportInferenceX, CountsGpusAsItsOwnCodeDoes) {
  struct Case {
    const char* keys;
    int gpus;
    double throughput;
  };
  for (const Case& given : {
           Case{R"("tp": 8, "pp": 2, "ep": 8, "dp_attention": "true")", 16, 1600},
           Case{R"("tp": 4, "dcp_size": 4)", 4, 400},  // inside the tensor-parallel group
           Case{R"("tp": 4, "pcp_size": 2)", 8, 800},
           Case{R"("tp": 8, "num_gpus": 4)", 4, 400},
           Case{R"("disagg": false, "num_prefill_gpu": 8, "num_decode_gpu": 8,
                   "tput_per_gpu": 900.0, "input_tput_per_gpu": 800.0)",
                8, 800},
           Case{R"("disagg": "false", "is_multinode": "false", "num_prefill_gpu": 8,
                   "num_decode_gpu": 8)",
                8, 800},
           Case{R"("disagg": true, "is_multinode": true, "num_prefill_gpu": 8,
                   "num_decode_gpu": 8, "tput_per_gpu": 450.0, "input_tput_per_gpu": 800.0)",
                16, 800},
           Case{R"("is_multinode": true, "num_prefill_gpu": 16, "num_decode_gpu": 0)", 16, 1600},
           Case{R"("disagg": true, "prefill_num_workers": 2, "prefill_tp": 4, "prefill_pp": 2,
                   "decode_num_workers": 1, "decode_tp": 8, "decode_pcp_size": 2)",
                32, 1600},
       }) {
    SCOPED_TRACE(given.keys);
    const SweepResult result = of_rows(row(16, given.keys));
    EXPECT_EQ(result.system.gpus, given.gpus);
    EXPECT_DOUBLE_EQ(*result.levels[0].pooled.output_throughput_tps, given.throughput);
  }
}

// What InferenceX published on 2026-05-20 of GLM-5 (FP8, SGLang; 8,192 tokens in, 1,024 out):
// tokens/s per GPU, and dollars per million tokens. What it assumed is in configs/costs/.
TEST(ImportInferenceX, HasItsPublishedCosts) {
  struct Published {
    double tps_per_gpu;
    double cents;
  };
  const std::vector<Published> b200 = {{417.0, 130}, {650.1, 83},  {952.7, 57},  {1296.8, 42},
                                       {1619.3, 34}, {1929.5, 28}, {1947.3, 28}, {231.3, 234},
                                       {382.4, 142}, {613.2, 88},  {933.7, 58},  {1291.8, 42},
                                       {1669.1, 32}, {1746.1, 31}};
  const std::vector<Published> mi355x = {{625.5, 66},  {911.7, 45},  {1208.1, 34}, {1707.4, 24},
                                         {1895.0, 22}, {1911.7, 22}, {373.4, 110}, {534.2, 77},
                                         {358.8, 115}, {579.6, 71},  {870.8, 47},  {1274.0, 32},
                                         {1660.1, 25}, {2071.4, 20}, {2189.4, 19}};
  const std::filesystem::path costs =
      std::filesystem::path(LLMSWEEP_SOURCE_DIR) / "configs" / "costs";
  int off_by_one = 0;
  for (const auto& [file, points] : {std::pair("inferencex-b200-2026-05-20.yaml", b200),
                                     std::pair("inferencex-mi355x-2026-05-20.yaml", mi355x)}) {
    const ImportOptions assumed = {.system = load_system(costs / file),
                                   .prices = load_prices(costs / file)};
    for (const auto& [tps_per_gpu, cents] : points) {
      const SweepResult result =
          of_rows(row(16, R"("tp": 8, "tput_per_gpu": )" + std::to_string(tps_per_gpu)), assumed);
      const double cost = 100 * result.levels[0].pooled.cost_per_million_tokens.value();
      off_by_one += std::lround(cost) != std::lround(cents);
      EXPECT_NEAR(cost, cents, 0.56) << tps_per_gpu;
    }
  }
  EXPECT_LE(off_by_one, 1);  // its throughput is rounded as well
}

// A row of 2026-09-03: DeepSeek V4 on 8 B200, whose boards drew 5,167.287 W.
TEST(ImportInferenceX, HasOtherEnergyProvisionedThanItsBoardsUse) {
  const std::filesystem::path file =
      std::filesystem::path(LLMSWEEP_SOURCE_DIR) / "configs/costs/inferencex-b200-2026-05-20.yaml";
  ImportOptions assumed = {.system = load_system(file), .prices = load_prices(file)};
  assumed.system.power.node_kw = 5.167287;
  assumed.system.power.node_source = "its boards";
  assumed.system.power.node_date = "2026-09-03";
  const ImportFolder folder;
  const SweepResult result = import_results(
      {folder.add("agg.json", R"([{"hw": "b200", "framework": "vllm", "model": "dsv4", "tp": 8,
"precision": "fp4", "isl": 8192, "osl": 1024, "conc": 64, "median_e2el": 46.225,
"tput_per_gpu": 1449.6198691145855, "output_tput_per_gpu": 160.82267313299127}])")},
      assumed);
  const RunStats& level = result.levels[0].pooled;
  EXPECT_NEAR(*level.node_j_per_output_token, 4.016292, 1e-5);  // its joules_per_output_token
  EXPECT_NEAR(*level.provisioned_j_per_output_token, 2170 / 160.82267313299127, 1e-9);
  EXPECT_EQ(result.prices->currency, "USD");
  EXPECT_EQ(result.system.power.provisioned_date, "2026-05-20");
}

TEST(ImportInferenceX, KnowsEverySpellingOfNoSpeculation) {
  const auto mtp = [](const std::string& value) {
    return of_rows(row(16, R"("tp": 8, "spec_decoding": )" + value)).system.mtp;
  };
  for (const char* none : {R"("false")", R"("none")", R"("None")", R"("off")", "false", R"("")"}) {
    EXPECT_EQ(mtp(none), false) << none;
  }
  for (const char* some : {R"("mtp")", R"("eagle")", "true"}) EXPECT_EQ(mtp(some), true) << some;
  EXPECT_EQ(of_rows(row(16)).system.mtp, std::nullopt);
  EXPECT_EQ(of_rows(row(16, R"("tp": 8, "hw": "", "device": "mi300x")")).system.accelerator,
            "mi300x");
}

TEST(ImportInferenceX, NeverTakesTwoSystemsForRepeatsOfOne) {
  for (const char* key :
       {R"("offloading": "lmcache")", R"("kv_offloading": "dram")", R"("ep": 8)",
        R"("dp_attention": "true")", R"("role": "decode")", R"("spec_decoding": "mtp")",
        R"("image": "other:tag")", R"("router": {"name": "r", "version": "1"})",
        R"("decode_num_workers": 3)", R"("kv_cache_dtype": "fp8")", R"("isl": 1024)"}) {
    SCOPED_TRACE(key);
    const std::string both = row(16) + "," + row(16, std::string(R"("tp": 8, )") + key);
    const std::string error = error_text([&] { of_rows(both); });
    const std::string name = std::string(key).substr(1, std::string(key).find("\":") - 1);
    EXPECT_THAT(error, AllOf(HasSubstr("--only"), HasSubstr(name), HasSubstr("different systems")));
  }
  // What is none of it, or whole, is the same as nothing said; figures and names of the run differ.
  const SweepResult same =
      of_rows(row(16) + "," + row(16, R"("tp": "8", "pp": 1, "offloading": "none", "disagg": false,
"date": "2026-01-02", "run_url": "u", "avg_power_w": 512.5, "p95_e2el": 9.5)"));
  EXPECT_EQ(same.levels[0].runs.size(), 2u);
}

TEST(ImportInferenceX, TakesOfTwoSystemsTheOneThatIsChosen) {
  const std::string rows = row(16, R"("tp": 8, "ep": 1, "offloading": "none")") + "," +
                           row(16, R"("tp": 8, "ep": 8, "offloading": "none")") + "," +
                           row(16, R"("tp": 8, "ep": 8, "offloading": "cpu")");
  const SweepResult chosen = of_rows(rows, {.only = {{"ep", "8"}, {"offloading", "cpu"}}});
  ASSERT_EQ(chosen.levels.size(), 1u);
  EXPECT_EQ(chosen.levels[0].runs.size(), 1u);
  EXPECT_THAT(error_text([&] {
                of_rows(rows, {.only = {{"ep", "4"}}});
              }),
              AllOf(HasSubstr("ep=4"), HasSubstr("1, 8")));
  EXPECT_THAT(error_text([&] {
                of_rows(rows, {.only = {{"offload", "cpu"}}});
              }),
              AllOf(HasSubstr("offload=cpu"), HasSubstr("offloading")));
}

TEST(ImportInferenceX, TakesWhatAgenticRowsHave) {
  const std::string flat = row(16, R"("tp": 4, "scenario_type": "agentic-coding",
"num_requests_total": 72, "num_requests_successful": 72, "mean_e2el": 31.0, "p95_e2el": 50.0,
"mean_ttft": 3.65, "p90_ttft": 8.05, "output_tput_tps": 211.6, "duration_seconds": 1826.1,
"mean_input_tokens": 96517.5)");
  std::string without_median = flat;
  without_median.replace(without_median.find(R"("median_e2el": 8.0, )"), 20, "");
  const SweepResult result = of_rows(without_median);
  const RunStats& run = result.levels[0].pooled;
  EXPECT_FALSE(run.e2e.p50);
  EXPECT_DOUBLE_EQ(*run.e2e.p90, 9000);
  EXPECT_DOUBLE_EQ(*run.e2e.mean, 31000);
  EXPECT_DOUBLE_EQ(*run.ttft.p90, 8050);
  EXPECT_EQ(run.requests.completed, 72);
  EXPECT_EQ(run.requests.failed, 0);
  EXPECT_DOUBLE_EQ(*run.output_throughput_tps, 211.6);
  EXPECT_DOUBLE_EQ(*run.input_tokens_mean, 96517.5);
  EXPECT_THAT(result.provenance.notes, Not(Contains(HasSubstr("no number of requests"))));

  const SweepResult nested = of_rows(R"({"hw": "h", "conc": 4, "model": "m", "num_gpus": 4, "tp": 4,
"num_requests_total": 10, "num_requests_successful": 9, "request_accounting":
{"records_error_dropped": 1}, "request_metrics": {"latency": {"e2el": {"mean": 4.4, "p50": 2.2},
"ttft": {"p50": 0.5, "p90": 1.7}}, "tokens": {"input": {"mean": 100.5, "std": 3.0}},
"throughput": {"output": {"tokens_per_second": 185.9}, "duration_seconds": 10.0}}})");
  const RunStats& deep = nested.levels[0].pooled;
  EXPECT_DOUBLE_EQ(*deep.e2e.p50, 2200);
  EXPECT_DOUBLE_EQ(*deep.ttft.p90, 1700);
  EXPECT_EQ(deep.requests.completed, 9);
  EXPECT_EQ(deep.requests.failed, 1);
  EXPECT_DOUBLE_EQ(*deep.output_throughput_tps, 185.9);
  EXPECT_EQ(nested.workload.input_tokens->stddev, 3.0);
}

// One level of vLLM's client.
std::string run(int concurrency, const std::string& more = "") {
  return R"({"model_id": "m", "num_gpus": "1", "max_concurrency": )" + std::to_string(concurrency) +
         R"(, "duration": 100, "completed": 400, "failed": 0, "total_input_tokens": 40000,
"total_output_tokens": 40000, "output_throughput": 400.0)" +
         more + "}";
}

SweepResult of_run(const std::string& text, const ImportOptions& options = {}) {
  const ImportFolder folder;
  return import_results({folder.add("a.json", text)}, options);
}

TEST(ImportedLevels, AreInvalidWhereTheConcurrencyWasNotHeld) {
  const auto reasons = [](const std::string& text) {
    return of_run(text).levels[0].pooled.invalid_reasons;
  };
  const auto off = ElementsAre(InvalidReason::kConcurrencyOff);
  // Little's law: 400 requests of 1.96 s in 100 s are 7.84; the drain may hide 7 · 2.1 s of them.
  EXPECT_THAT(reasons(run(8, R"(, "mean_e2el_ms": 1960, "median_e2el_ms": 1950,
"p99_e2el_ms": 2100)")),
              ElementsAre());
  EXPECT_THAT(reasons(run(8, R"(, "mean_e2el_ms": 1200, "median_e2el_ms": 1200)")), off);
  EXPECT_THAT(reasons(run(1, R"(, "mean_e2el_ms": 240, "median_e2el_ms": 240)")), off);  // 0.96
  EXPECT_THAT(reasons(run(1, R"(, "mean_e2el_ms": 248, "median_e2el_ms": 248)")), ElementsAre());
  EXPECT_THAT(reasons(run(512, R"(, "median_e2el_ms": 1000)")), off);  // 400 requests
  EXPECT_THAT(reasons(run(64, R"(, "median_e2el_ms": 1000, "max_concurrent_requests": 40)")), off);
  const SweepResult few = of_run(run(512, R"(, "median_e2el_ms": 1000)"));
  EXPECT_THAT(few.provenance.notes, Contains(HasSubstr("400 requests were never 512 in flight")));
}

TEST(ImportedLevels, HaveNothingInPlaceOfWhatAFileDoesNotSay) {
  const SweepResult result = of_run(run(8, R"(, "mean_ttft_ms": 50, "median_ttft_ms": 48)"));
  const RunStats& level = result.levels[0].pooled;
  EXPECT_FALSE(level.ttft.min);
  EXPECT_FALSE(level.ttft.max);
  EXPECT_FALSE(level.e2e.p50);
  EXPECT_FALSE(level.e2e.count);
  EXPECT_FALSE(level.cached_tokens_mean);
  EXPECT_FALSE(level.throughput_per_latency);
  EXPECT_FALSE(level.output_speed_tps);
  const std::string text = result_to_json(result);
  EXPECT_EQ(parse_result(text, "r.json"), result);
  EXPECT_FALSE(level.itl.count);
  EXPECT_THAT(tokens_text(*result.workload.input_tokens), "100 on average");  // no ± invented
  std::string uncounted = run(8, R"(, "median_ttft_ms": 48)");
  uncounted.replace(uncounted.find("\"failed\": 0, "), 13, "");
  EXPECT_FALSE(of_run(uncounted).levels[0].pooled.requests.failed);
}

TEST(ImportedLevels, MayHaveOtherLengthsWhereThatIsSaid) {
  const ImportFolder folder;
  std::string longer = run(16, R"(, "median_e2el_ms": 1000)");
  longer.replace(longer.find("40000"), 5, "48000");
  const std::vector<std::filesystem::path> files = {
      folder.add("a.json", run(8, R"(, "median_e2el_ms": 1000)")), folder.add("b.json", longer)};
  EXPECT_THAT(error_text([&] { import_results(files); }),
              AllOf(HasSubstr("100 and 120 input tokens"), HasSubstr("--lengths vary")));
  const SweepResult result = import_results(files, {.lengths_vary = true});
  EXPECT_EQ(result.levels.size(), 2u);
  EXPECT_DOUBLE_EQ(mean_tokens(*result.workload.input_tokens), 110);
  EXPECT_DOUBLE_EQ(*result.levels[1].pooled.input_tokens_mean, 120);
  EXPECT_THAT(result.provenance.notes,
              Contains(HasSubstr("from 100 to 120 tokens on average (--lengths vary)")));
}

TEST(ImportVllm, ReadsLatenciesWithoutAUnitAsSecondsUnlessTheyCannotBe) {
  const SweepResult seconds = of_run(run(8, R"(, "median_e2el": 21.4, "p99_e2el": 30.1)"));
  EXPECT_DOUBLE_EQ(*seconds.levels[0].pooled.e2e.p50, 21400);
  EXPECT_DOUBLE_EQ(*seconds.levels[0].pooled.e2e.p99, 30100);
  const SweepResult named = of_run(run(8, R"(, "median_e2el_s": 21.4, "median_ttft_us": 900.0)"));
  EXPECT_DOUBLE_EQ(*named.levels[0].pooled.e2e.p50, 21400);
  EXPECT_DOUBLE_EQ(*named.levels[0].pooled.ttft.p50, 0.9);
  const SweepResult neither = of_run(run(8, R"(, "median_e2el": 21448.0)"));
  EXPECT_THAT(neither.provenance.notes, Contains(HasSubstr("no latency in it is read")));
  EXPECT_FALSE(neither.levels[0].pooled.e2e.p50);
  EXPECT_THAT(neither.provenance.notes, Contains(HasSubstr("e2el figures are left out")));
}

TEST(ImportInferenceX, ReadsTheRowsOfItsWebInterface) {
  const ImportFolder folder;
  const auto file =
      folder.add("answer.json", R"({"data": [{"date": "2026-01-01", "hardware": "b300",
"framework": "trt", "model": "m", "conc": 4, "disagg": false, "num_prefill_gpu": 8,
"num_decode_gpu": 8, "decode_tp": 8, "spec_method": "none", "id": 1, "run_url": "u",
"metrics": {"output_tput_per_gpu": 100.0, "median_e2el": 3.0}}]})");
  const SweepResult result = import_results({file});
  EXPECT_EQ(result.system.gpus, 8);
  EXPECT_EQ(result.system.mtp, false);
  EXPECT_DOUBLE_EQ(*result.levels.at(0).pooled.output_throughput_tps, 800);
}

TEST(ImportVllm, ReadsAListOfRunsAsThoseRuns) {
  const std::string one = run(8, R"(, "median_e2el_ms": 1000)");
  const std::string other = run(8, R"(, "median_e2el_ms": 1010)");
  EXPECT_EQ(of_run("[" + one + "," + other + "]").levels[0].runs.size(), 2u);
  const ImportFolder folder;  // and beside its runs, as the tool leaves it
  folder.add("run_0.json", one);
  folder.add("run_1.json", other);
  folder.add("summary.json", "[" + one + "," + other + "]");
  EXPECT_EQ(import_results({folder.path()}).levels[0].runs.size(), 2u);
}

TEST(ImportVllm, TellsSystemsApartByTheirMetadata) {
  const ImportFolder folder;
  const auto both = [&folder](const std::string& a, const std::string& b) {
    return error_text([&] {
      import_results({folder.add("a.json", run(8, R"(, "median_e2el_ms": 1000, )" + a)),
                      folder.add("b.json", run(8, R"(, "median_e2el_ms": 1010, )" + b))});
    });
  };
  EXPECT_THAT(both(R"("ep": "1")", R"("ep": "8")"), HasSubstr("ep 1 and 8"));
  EXPECT_THAT(both(R"("kv_offloading": "none")", R"("kv_offloading": "cpu")"),
              HasSubstr("--only kv_offloading=none"));
  EXPECT_THAT(both(R"("request_rate": 4.0)", R"("request_rate": 8.0)"), HasSubstr("request_rate"));
  EXPECT_EQ(both(R"("repeat": "1")", R"("repeat": "2")"), "no error");
}

TEST(Import, KeepsALevelWithoutACompletedRequestOfEveryTool) {
  const ImportFolder folder;
  folder.add("stage_0_lifecycle_metrics.json",
             R"({"load_summary": {"count": 8, "concurrency": 8}, "benchmark_time_seconds": 5,
"successes": {"count": 0, "latency": null}, "failures": {"count": 8}})");
  const SweepResult perf = import_results({folder.path()}, on_gpus(1));
  EXPECT_THAT(perf.levels.at(0).pooled.invalid_reasons,
              ElementsAre(InvalidReason::kErrors, InvalidReason::kTooFewRequests));
  const ImportFolder other;
  const SweepResult guide = import_results(
      {other.add("g.json", R"({"metadata": {"version": 1}, "benchmarks": [{"config": {"strategy":
{"type_": "concurrent", "streams": 4}}, "duration": 5, "metrics": {"request_totals":
{"successful": 0, "errored": 0}, "request_latency": {"successful": {"mean": 0, "count": 0}}}}]})")},
      on_gpus(1));
  EXPECT_THAT(guide.levels.at(0).pooled.invalid_reasons, Contains(InvalidReason::kTooFewRequests));
}

TEST(ImportAiperf, ReadsItsTwoFilesOfARunAsOneWhereBothAreNamed) {
  const ImportFolder folder;
  const auto summary = folder.add("profile_export_aiperf.json", R"({"input_config":
{"loadgen": {"concurrency": 1}}, "request_latency": {"unit": "ms", "avg": 10, "p50": 10},
"request_count": {"unit": "requests", "avg": 1}})");
  const auto requests = folder.add("profile_export.jsonl", R"({"metadata": {"request_start_ns": 1,
"request_end_ns": 10000001}, "metrics": {"request_latency": {"value": 10, "unit": "ms"},
"output_sequence_length": {"value": 5, "unit": "tokens"}}, "error": null})");
  const SweepResult result = import_results({summary, requests}, on_gpus(1));
  EXPECT_EQ(result.levels.at(0).runs.size(), 1u);
}

TEST(ImportSglang, CountsTheGpusOfPipelinesAndCopies) {
  const auto gpus = [](const std::string& server) {
    return of_run(R"({"backend": "sglang", "max_concurrency": 8, "duration": 100, "completed": 400,
"total_output_tokens": 40000, "output_throughput": 400.0, "median_e2e_latency_ms": 1000.0,
"server_info": )" +
                  server + "}")
        .system.gpus;
  };
  EXPECT_EQ(gpus(R"({"tp_size": 4})"), 4);
  EXPECT_EQ(gpus(R"({"tp_size": 4, "dp_size": 2, "pp_size": 2})"), 16);
  EXPECT_EQ(gpus(R"({"tp_size": 8, "dp_size": 8, "enable_dp_attention": true})"), 8);
}

TEST(ImportAiperf, KeepsALevelOfFailuresAndOneThatWasCancelled) {
  const ImportFolder folder;
  const auto config = [](int concurrency) {
    return R"({"aiperf_version": "0.12.0", "input_config": {"endpoint": {"model_names": ["m"]},
"loadgen": {"concurrency": )" +
           std::to_string(concurrency) + "}}, ";
  };
  folder.add("c8/profile_export_aiperf.json",
             config(8) + R"("request_latency": {"unit": "ms", "avg": 10, "p50": 10},
"request_count": {"unit": "requests", "avg": 40}, "was_cancelled": true})");
  folder.add("c32/profile_export_aiperf.json",
             config(32) + R"("error_request_count": {"unit": "requests", "avg": 32}})");
  folder.add("c32/profile_export.jsonl", "");
  const SweepResult result = import_results({folder.path()}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_THAT(result.levels[0].pooled.invalid_reasons, Contains(InvalidReason::kInterrupted));
  EXPECT_EQ(result.levels[1].pooled.requests.failed, 32);
  EXPECT_EQ(result.levels[1].pooled.requests.completed, 0);
  EXPECT_THAT(result.levels[1].pooled.invalid_reasons, Contains(InvalidReason::kErrors));
}

}  // namespace
}  // namespace llmsweep

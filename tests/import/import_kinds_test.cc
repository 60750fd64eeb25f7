// Files that are no JSON, those of the wrong kind, and the reports of llm-d and MLPerf Endpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/import_folder.h"
#include "llmsweep/results/export.h"

namespace llmsweep {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ImportErrors, NameTheKindOfFileThatWasGiven) {
  const ImportFolder folder;
  struct Case {
    const char* name;
    std::string text;
    const char* kind;
    const char* instead;
  };
  for (const Case& given : {
           Case{"genai_perf.csv", "Metric,avg,min\nRequest Latency (ms),1,2\n", "a CSV file",
                "profile_export_aiperf.json"},
           Case{"table.json", "a,b,c\n1,2,3\n", "a CSV file", "JSON file"},
           Case{"page.html", "<!doctype html><html></html>", "an HTML page", "JSON file"},
           Case{"mlperf_log_summary.txt", "=====\nMLPerf Results Summary\n=====\nMode : x\n",
                "LoadGen", "result_summary.json"},
           Case{"trt.txt", "===\n= PERFORMANCE OVERVIEW\n===\n", "trtllm-bench", "--report_json"},
           Case{"server.log", "INFO 01-02 10:00:00 api_server.py: started\n", "a log",
                "result file"},
           Case{"serve.txt", "====== Serving Benchmark Result ======\nDuration: 3\n",
                "printed table", "--save-result"},
           Case{"requests.parquet", "PAR1xxxx", "Parquet", "JSON"},
           Case{"a.json.gz", "\x1f\x8b\x08xx", "gzip", "gunzip"},
           Case{"wide.json", std::string("\xff\xfe{\0}\0", 6), "UTF-16", "iconv"},
           Case{"notes.txt", "what I measured today\n", "neither JSON nor YAML", "result file"},
           Case{"spec.yaml", "endpoint: {url: http://h/v1}\nload: {concurrency: [1]}\n",
                "a spec of llmsweep", "llmsweep run"},
           Case{"requests.jsonl", "{\"level\":8,\"phase\":\"measured\",\"outcome\":\"ok\"}\n",
                "records", "llmsweep rebuild"},
           Case{"result.json", R"({"schema_version": 1, "levels": [], "provenance": {}})",
                "a result of llmsweep itself", "'compare'"},
           Case{"sharegpt.json", R"([{"id": "1", "conversations": []}])", "a dataset",
                "workload.dataset"},
           Case{"aggregate.json", R"({"aggregation_type": "confidence", "metrics": {}})",
                "repeated runs", "folder of the runs"},
           Case{"lm_eval.json", R"({"results": {"gsm8k": {}}, "versions": {}})",
                "lm-evaluation-harness", "--quality"},
           Case{"statistics_4_clients.xlsx", "PK\x03\x04", "a spreadsheet", "bench serve"},
           Case{"table.db", std::string("SQLite\0 format 3", 16), "a binary file", "JSON file"},
           Case{"broken.yaml", "a: &x {b: 1}\nc: *x\n", "YAML that cannot be read", "result file"},
           Case{"manifest.yaml", "kind: Pod\nmetadata: {}\n", "no known benchmark result", ""},
       }) {
    SCOPED_TRACE(given.name);
    const auto file = folder.add(given.name, given.text);
    EXPECT_THAT(error_text([&] { import_results({file}, on_gpus(1)); }),
                AllOf(HasSubstr(given.name), HasSubstr(given.kind), HasSubstr(given.instead),
                      HasSubstr("known are"), Not(HasSubstr("killed"))));
  }
  const auto half = folder.add("half.json", R"({"completed": 4, )");
  EXPECT_THAT(error_text([&] { import_results({half}, on_gpus(1)); }), HasSubstr("killed"));
}

// A level whose statistics are in seconds, of two engines.
const char* const kReport = R"(version: '0.2'
run:
  uid: a
  time: {start: '2026-01-02T03:04:05Z', duration: PT1M40.5S}
scenario:
  stack:
  - metadata: {label: prefill, cfg_id: a}
    standardized:
      kind: inference_engine
      tool: vllm
      tool_version: '0.11'
      role: prefill
      replicas: 2
      model: {name: m}
      accelerator: {model: H100, count: 4, parallelism: {tp: 4}}
    native: {}
  - metadata: {label: decode, cfg_id: b}
    standardized:
      kind: inference_engine
      tool: vllm
      tool_version: '0.11'
      role: decode
      replicas: 1
      model: {name: m}
      accelerator: {model: H100, count: 8, parallelism: {tp: 8}}
    native: {}
  - metadata: {label: router, cfg_id: c}
    standardized: {kind: generic, tool: epp, tool_version: '1'}
    native: {}
  load:
    standardized: {tool: guidellm, tool_version: '0.3', source: random, concurrency: 8}
results:
  request_performance:
    aggregate:
      requests:
        total: 402
        failures: 1
        incomplete: 1
        input_length: {units: count, mean: 100.0, min: 100, max: 100}
        output_length: {units: count, mean: 61.5}
      latency:
        request_latency: {units: s, mean: 2.0, p50: 1.9, p90: 2.5, p99: 3.0}
        time_to_first_token: {units: ms, mean: 60.0, p50: 55.0}
        time_per_output_token: {units: s/token, mean: 0.02, p50: 0.019}
        inter_token_latency: {units: ms/token, mean: 21.0, p50: 20.0}
      throughput:
        output_token_rate: {units: tokens/s, mean: 246.0}
        request_rate: {units: queries/s, mean: 4.0}
)";

TEST(ImportLlmD, ReadsAReportByItsUnits) {
  const ImportFolder folder;
  const SweepResult result = import_results({folder.add("br.yaml", kReport)});
  EXPECT_EQ(result.model, "m");
  EXPECT_EQ(result.system.gpus, 2 * 4 + 8);
  EXPECT_EQ(result.system.accelerator, "H100");
  EXPECT_EQ(result.system.engine, "vllm");
  EXPECT_EQ(result.created_at, "2026-01-02T03:04:05Z");
  EXPECT_EQ(result.workload.input_tokens->fixed, 100);
  EXPECT_FALSE(result.workload.output_tokens.stddev);
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 8);
  const RunStats& run = result.levels[0].pooled;
  EXPECT_EQ(run.requests.completed, 400);
  EXPECT_EQ(run.requests.failed, 1);
  EXPECT_DOUBLE_EQ(*run.wall_seconds, 100.5);
  EXPECT_DOUBLE_EQ(*run.e2e.p50, 1900);
  EXPECT_DOUBLE_EQ(*run.e2e.p99, 3000);
  EXPECT_DOUBLE_EQ(*run.ttft.p50, 55);
  EXPECT_DOUBLE_EQ(*run.tpot.p50, 19);
  EXPECT_DOUBLE_EQ(*run.icl.p50, 20);
  EXPECT_FALSE(run.itl.p50);
  EXPECT_DOUBLE_EQ(*run.output_throughput_tps, 246);
  std::string other = kReport;
  other.replace(other.find("units: s,"), 9, "units: GiB,");
  EXPECT_THAT(error_text([&] { import_results({folder.add("gib.yaml", other)}); }),
              HasSubstr("'GiB'"));
}

TEST(ImportLlmD, TellsTheRolesOfAStackApart) {
  const ImportFolder folder;
  std::string other = kReport;
  other.replace(other.find("role: prefill"), 13, "role: decode ");
  EXPECT_THAT(error_text([&] {
                import_results({folder.add("a.yaml", kReport), folder.add("b.yaml", other)});
              }),
              HasSubstr("role prefill+decode and decode+decode"));
}

TEST(ImportLlmD, ReadsTheFirstVersionToo) {
  const ImportFolder folder;
  const SweepResult result = import_results({folder.add("br.yaml", R"(version: '0.1'
scenario:
  host:
    type: [prefill, decode]
    accelerator:
    - {model: H100, count: 1, parallelism: {tp: 1}}
    - {model: H100, count: 8, parallelism: {tp: 8}}
  platform: {engine: [{name: vllm, version: '0.9'}]}
  model: {name: m, quantization: fp8}
  load: {name: vllm-benchmark, args: {max_concurrency: 16}}
metrics:
  time: {duration: 50.0, start: 1749570583.5}
  requests: {total: 32, failures: 0, input_length: {units: count, mean: 10.5}}
  latency:
    request_latency: {units: ms, mean: 3.3, p50: 2.1}
  throughput: {output_tokens_per_sec: 32.5, requests_per_sec: 1.02}
)")});
  EXPECT_EQ(result.system.gpus, 9);
  EXPECT_EQ(result.system.precision, "fp8");
  EXPECT_EQ(result.levels[0].point.concurrency(), 16);
  EXPECT_EQ(result.levels[0].pooled.requests.completed, 32);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.e2e.p50, 2.1);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.output_throughput_tps, 32.5);
}

SweepResult two_levels(const ImportFolder& folder) {
  const auto line = [](int concurrency, int tokens) {
    return R"({"model_id": "m", "num_gpus": "2", "max_concurrency": )" +
           std::to_string(concurrency) +
           R"(, "duration": 100, "completed": 400, "failed": 0, "total_input_tokens": )" +
           std::to_string(tokens) +
           R"(, "total_output_tokens": 40000, "output_throughput": 400.0, "mean_e2el_ms": )" +
           std::to_string(concurrency * 249) + R"(, "median_e2el_ms": 900.5, "mean_ttft_ms": 50,
"median_ttft_ms": 48.25, "mean_tpot_ms": 9.5, "median_tpot_ms": 9.25})";
  };
  return import_results(
      {folder.add("a.json", line(8, 40000)), folder.add("b.json", line(4, 60000))},
      {.lengths_vary = true});
}

TEST(ExportedReports, AreReadBack) {
  const ImportFolder folder;
  SweepResult result = two_levels(folder);
  result.source = Source::kMeasured;
  result.simulated = true;
  result.levels[1].pooled.valid = false;
  result.levels[1].pooled.invalid_reasons = {InvalidReason::kClientBusy};
  for (const auto& file : {folder.add("report.yaml", export_llm_d_report(result)),
                           folder.add("summary.jsonl", export_mlperf_endpoints(result))}) {
    SCOPED_TRACE(file);
    const SweepResult again = import_results({file}, on_gpus(2));
    ASSERT_EQ(again.levels.size(), 2u);
    EXPECT_TRUE(again.simulated);
    for (size_t i = 0; i < 2; ++i) {
      const RunStats& here = result.levels[i].pooled;
      const RunStats& there = again.levels[i].pooled;
      EXPECT_EQ(there.valid, i == 0);
      EXPECT_NEAR(*there.e2e.p50, *here.e2e.p50, 1e-6);
      EXPECT_NEAR(*there.ttft.p50, *here.ttft.p50, 1e-6);
      EXPECT_NEAR(*there.tpot.p50, *here.tpot.p50, 1e-6);
      EXPECT_EQ(there.output_throughput_tps, here.output_throughput_tps);
      EXPECT_EQ(there.requests.completed, here.requests.completed);
      EXPECT_EQ(there.requests.failed, here.requests.failed);
      EXPECT_EQ(there.input_tokens_mean, here.input_tokens_mean);
      EXPECT_EQ(there.wall_seconds, here.wall_seconds);
    }
  }
  EXPECT_THAT(export_mlperf_endpoints(result), HasSubstr("not an MLPerf result"));
}

std::string mlperf(const std::string& pattern, const std::string& state = "complete") {
  return R"({"version": "1.0", "git_sha": null, "test_started_at": 0, "n_samples_issued": 400,
"n_samples_completed": 400, "n_samples_failed": 2, "duration_ns": 100000000000, "state": ")" +
         state + R"(", "complete": )" + (state == "complete" ? "true" : "false") +
         R"(, "ttft": {"min": 1000000, "max": 9000000, "median": 5500000.0, "avg": 6000000.0,
"percentiles": {"50": 5500000.0, "90.0": 8000000.0, "99": 9000000.0}}, "tpot": {},
"latency": {"total": 1, "median": 1900000000.0, "avg": 1980000000.0, "std_dev": 3.0,
"percentiles": {"50": 1900000000.0, "99": 2500000000.0, "99.9": 2600000000.0},
"early_stopping_percentiles": {"99": null}}, "output_sequence_lengths": {"avg": 61.5,
"std_dev": 4.5}, "input_sequence_lengths": {}, "qps": 4.0, "tps": 246.0, "run_config":
{"load_pattern": )" +
         pattern + "}}";
}

TEST(ImportMlperfEndpoints, ReadsNanosecondsAndItsCountOfFailures) {
  const ImportFolder folder;
  const SweepResult result =
      import_results({folder.add("result_summary.json",
                                 mlperf(R"({"type": "concurrency", "target_concurrency": 8})"))},
                     on_gpus(1));
  const RunStats& run = result.levels[0].pooled;
  EXPECT_EQ(result.levels[0].point.concurrency(), 8);
  EXPECT_EQ(run.requests.completed, 398);  // theirs has the failed ones in it
  EXPECT_EQ(run.requests.failed, 2);
  EXPECT_DOUBLE_EQ(*run.e2e.p50, 1900);
  EXPECT_DOUBLE_EQ(*run.e2e.p99, 2500);
  EXPECT_FALSE(run.e2e.p999);
  EXPECT_DOUBLE_EQ(*run.ttft.p90, 8);
  EXPECT_FALSE(run.tpot.p50);
  EXPECT_DOUBLE_EQ(*run.wall_seconds, 100);
  EXPECT_EQ(result.workload.output_tokens.stddev, 4.5);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("Not an MLPerf result")));
  EXPECT_THAT(error_text([&] {
                import_results({folder.add("p.json", mlperf(R"({"type": "poisson"})"))},
                               on_gpus(1));
              }),
              HasSubstr("'poisson'"));
  const SweepResult cut = import_results(
      {folder.add("cut.json",
                  mlperf(R"({"type": "concurrency", "target_concurrency": 8})", "interrupted"))},
      on_gpus(1));
  EXPECT_THAT(cut.levels[0].pooled.invalid_reasons, Contains(InvalidReason::kInterrupted));
}

TEST(ImportAiperf, ReadsTheSummaryOfASweep) {
  const ImportFolder folder;
  const auto level = [](int concurrency, const std::string& more) {
    return R"({"parameters": {"concurrency": )" + std::to_string(concurrency) + more +
           R"(}, "metrics": {"request_latency": {"unit": "ms", "avg": 2000, "p50": 1900},
"request_count": {"unit": "requests", "avg": 400}, "output_token_throughput":
{"unit": "tokens/sec", "avg": 1792.0}}})";
  };
  const auto sweep = [&](const std::string& levels) {
    return folder.add("sweep_aggregate/profile_export_aiperf_sweep.json",
                      R"({"aggregation_type": "sweep", "failed_runs": [{"label": "c64"}],
"per_combination_metrics": [)" +
                          levels + "]}");
  };
  const SweepResult result =
      import_results({sweep(level(16, "") + "," + level(32, ""))}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_EQ(result.levels[1].point.concurrency(), 32);
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.e2e.p50, 1900);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("failed and are in no level: c64")));
  EXPECT_THAT(error_text([&] {
                import_results(
                    {sweep(level(16, R"(, "isl": 100)") + "," + level(32, R"(, "isl": 200)"))},
                    on_gpus(1));
              }),
              HasSubstr("isl 100 and 200"));
  // Beside the runs themselves it says them again.
  sweep(level(16, ""));
  folder.add("concurrency_16/profile_export_aiperf.json",
             R"({"request_latency": {"unit": "ms", "avg": 2000.4, "p50": 1900.4},
"request_count": {"unit": "requests", "avg": 400}})");
  EXPECT_EQ(import_results({folder.path()}, on_gpus(1)).levels[0].runs.size(), 1u);
}

}  // namespace
}  // namespace llmsweep

// Files that are no JSON, those of the wrong kind, and the reports of llm-d and MLPerf Endpoints.
#include <fmt/format.h>
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

std::string event(const std::string& type, int64_t ns, const std::string& sample = "",
                  const std::string& data = "null") {
  return R"({"event_type":")" + type + R"(","timestamp_ns":)" + std::to_string(ns) +
         R"(,"sample_uuid":")" + sample + R"(","conversation_id":"","turn":null,"data":)" + data +
         "}\n";
}

// Two slots for two seconds, a chunk each 10 ms: a request lasts 100 ms, its first chunk is there
// after 20 ms. `failed`: of that many the last ones.
std::string events_of_two_slots(int requests, int failed = 0) {
  constexpr int64_t kMs = 1'000'000;
  std::string lines = event("session.started", 0) + event("sample.issued", 1, "warm");
  lines += event("session.start_performance_tracking", 2);
  lines += event("sample.recv_first", 3, "warm") + event("sample.complete", 4, "warm");
  for (int i = 0; i < requests; ++i) {
    const int64_t begin = 5000 * kMs + i / 2 * 100 * kMs;
    const std::string id = "s" + std::to_string(i);
    lines += event("sample.issued", begin, id, R"(["PromptData","NaN is text"])");
    if (i >= requests - failed) {
      lines += event("error.generic", begin + 50 * kMs, id, R"(["ErrorData","HTTP","503"])");
    } else {
      lines += event("sample.recv_first", begin + 20 * kMs, id);
      for (int k = 3; k < 10; ++k)
        lines += event("sample.recv_non_first", begin + k * 10 * kMs, id);
    }
    lines +=
        event("sample.complete", begin + 100 * kMs, id, R"(["TextModelOutput",["a","b"],["c"]])");
  }
  return lines + event("session.stop_performance_tracking", 1) + "{\"event_type\": \"sess";
}

std::string mlperf_of(int ended, int failed) {
  std::string text = mlperf(R"({"type": "concurrency", "target_concurrency": 2})");
  const auto put = [&text](const std::string& key, const std::string& was, int count) {
    const std::string from = "\"" + key + "\": " + was;
    text.replace(text.find(from), from.size(), "\"" + key + "\": " + std::to_string(count));
  };
  put("n_samples_issued", "400", ended);
  put("n_samples_completed", "400", ended);
  put("n_samples_failed", "2", failed);
  return text;
}

TEST(ImportMlperfEndpoints, TakesTimesOfRequestsFromTheEventsBesideIt) {
  const ImportFolder folder;
  folder.add("run/events.jsonl", events_of_two_slots(40, 1));
  folder.add("run/performance/result_summary.json", mlperf_of(40, 1));
  const SweepResult result = import_results({folder.path() / "run"}, on_gpus(1));
  ASSERT_EQ(result.levels.size(), 1u);
  const RunStats& run = result.levels[0].pooled;
  EXPECT_EQ(run.requests.completed, 39);
  EXPECT_EQ(run.requests.failed, 1);
  EXPECT_NEAR(*run.e2e.p50, 100, 1e-6);
  EXPECT_NEAR(*run.ttft.p50, 20, 1e-6);
  EXPECT_NEAR(*run.icl.p50, 10, 0.2) << "a histogram";
  EXPECT_NEAR(*run.achieved_concurrency, 2, 1e-6);
  EXPECT_NEAR(*run.wall_seconds, 2, 1e-6);
  EXPECT_EQ(run.output_throughput_tps, 246.0) << "the events do not count tokens";
  EXPECT_EQ(run.output_tokens_mean, 61.5);
  EXPECT_FALSE(run.tpot.p50);
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("1 lines of its events.jsonl")));
  EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("which does not count tokens")));
}

TEST(ImportMlperfEndpoints, LeavesOutTheEventsOfAnotherRun) {
  const ImportFolder folder;
  folder.add("events.jsonl", events_of_two_slots(30));
  const auto summary = folder.add("result_summary.json", mlperf_of(40, 0));
  const SweepResult result = import_results({summary}, on_gpus(1));
  EXPECT_DOUBLE_EQ(*result.levels[0].pooled.e2e.p50, 1900);
  EXPECT_THAT(result.provenance.notes,
              Contains(HasSubstr("30 requests that completed, its summary 40")));
  EXPECT_THAT(error_text([&] {
                import_results({folder.add("e.jsonl", event("sample.issued", 1, "x"))}, on_gpus(1));
              }),
              HasSubstr("result_summary.json in it"));
}

// As its submissions are laid out: the summary has neither whole latencies nor the concurrency.
TEST(ImportMlperfEndpoints, ReadsTheFolderOfASubmission) {
  const ImportFolder folder;
  const auto add = [&](const std::string& point, const std::string& name, const std::string& text) {
    folder.add("system/model/" + point + "/" + name, text);
  };
  for (const int concurrency : {4, 16}) {
    const std::string point = fmt::format("r{}", concurrency);
    add(point, "result_summary.json",
        R"({"n_samples_issued": 4100, "n_samples_completed": 4100, "n_samples_failed": 100,
"duration_ns": 1e12, "ttft": {"total": 4e11, "percentiles": {"50": 8e7, "90": 9e7, "95": 9.5e7}},
"tpot": {"total": 0.0, "percentiles": {"50": 4e6}}, "output_sequence_lengths": {"total": 410000.0,
"percentiles": {}}, "system_tps": 410.0, "tps_per_user": 181.8})");
    add(point, "point.yaml",
        fmt::format("concurrency: {}\nmodel_name: gpt-oss-120b\nmodel_precision: FP16\n"
                    "runtime_settings:\n  load_pattern: concurrency\n",
                    concurrency));
    add(point, "system_desc.json",
        R"({"serving_framework": "vLLM", "node_types": [{"number_of_nodes": 2, "accelerator_info":
[{"accelerator_model_name": "MI355X", "accelerators_per_node": 8}]}],
"config_summary": {"tensor_parallel": 8, "disaggregated": null}})");
    add(point, "run_metadata.json", "{}");
  }
  const SweepResult result = import_results({folder.path() / "system" / "model"});
  ASSERT_EQ(result.levels.size(), 2u);
  EXPECT_EQ(result.levels[1].point.concurrency(), 16);
  EXPECT_EQ(result.model, "gpt-oss-120b");
  EXPECT_EQ(result.system.gpus, 16);
  EXPECT_EQ(result.system.accelerator, "MI355X");
  EXPECT_EQ(result.system.precision, "FP16");
  EXPECT_EQ(result.system.engine, "vLLM");
  const RunStats& stats = result.levels[0].pooled;
  EXPECT_EQ(stats.requests.completed, 4000);
  EXPECT_EQ(stats.requests.failed, 100);
  EXPECT_NEAR(*stats.ttft.p50, 80, 1e-9);
  EXPECT_NEAR(*stats.tpot.p50, 4, 1e-9);
  EXPECT_FALSE(stats.e2e.p50);
  EXPECT_EQ(stats.output_throughput_tps, 410.0);
  EXPECT_EQ(result.workload.output_tokens.mean, 100.0);
  folder.add("poisson/config.yaml", "settings:\n  load_pattern: {type: poisson, target_qps: 3}\n");
  EXPECT_THAT(error_text([&] {
                import_results(
                    {folder.add("poisson/result_summary.json",
                                R"({"n_samples_completed": 1, "duration_ns": 1e9, "ttft": {}})")},
                    on_gpus(1));
              }),
              HasSubstr("load pattern is 'poisson'"));
}

TEST(ImportMlperfEndpoints, PoolsNoTokensOfRequestsThatWereNotCounted) {
  const ImportFolder folder;
  for (const char* run : {"a", "b"}) {
    folder.add(std::string(run) + "/events.jsonl", events_of_two_slots(run[0] == 'a' ? 40 : 44));
    folder.add(std::string(run) + "/result_summary.json", mlperf_of(run[0] == 'a' ? 40 : 44, 0));
  }
  const SweepResult result = import_results({folder.path()}, on_gpus(1));
  ASSERT_EQ(result.levels[0].runs.size(), 2u);
  EXPECT_NEAR(*result.levels[0].pooled.output_throughput_tps, 246, 1e-9);
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

// Each trial runs the whole sweep: its summary lies deeper.
TEST(ImportAiperf, CountsTheRunsOfARepeatedSweepAndNotItsSummary) {
  const ImportFolder folder;
  const auto metrics = [](int latency) {
    return fmt::format(R"({{"request_latency": {{"unit": "ms", "avg": {0}, "p50": {0}}},
"request_count": {{"unit": "requests", "avg": 400}}}})",
                       latency);
  };
  for (const int trial : {1, 2, 3}) {
    folder.add(
        fmt::format("s/profile_runs/trial_000{}/concurrency_8/profile_export_aiperf.json", trial),
        metrics(2000 + trial));
  }
  folder.add("s/aggregate/concurrency_8/profile_export_aiperf_aggregate.json",
             R"({"metadata": {"aggregation_type": "confidence"}, "metrics": {}})");
  folder.add("s/aggregate/sweep_aggregate/profile_export_aiperf_sweep.json",
             R"({"per_combination_metrics": [{"parameters": {"concurrency": 8}, "metrics": )" +
                 metrics(2002) + "}]}");
  EXPECT_EQ(import_results({folder.path() / "s"}, on_gpus(1)).levels[0].runs.size(), 3u);
}

// Of several trials each statistic stands by itself; the first versions had them by the value of
// the one parameter.
TEST(ImportAiperf, ReadsTheSummaryOfASweepOfSeveralTrials) {
  const ImportFolder folder;
  const auto statistic = [](const std::string& name, double mean, const std::string& unit) {
    return fmt::format(R"("{}": {{"mean": {}, "std": 3.0, "min": 1, "max": 9999, "cv": 0.1,
"ci_low": 1, "ci_high": 9999, "unit": "{}"}})",
                       name, mean, unit);
  };
  const std::string metrics = "{" + statistic("request_latency_avg", 2000, "ms") + "," +
                              statistic("request_latency_p50", 1900, "ms") + "," +
                              statistic("request_latency_min", 50, "ms") + "," +
                              statistic("time_to_first_token_p90", 0.033, "sec") + "," +
                              statistic("request_count_avg", 400, "requests") + "," +
                              statistic("output_token_throughput_avg", 1792, "tokens/sec") + "}";
  const std::string listed =
      R"({"metadata": {"num_trials_per_value": 3}, "per_combination_metrics": [
{"parameters": {"phases.profiling.concurrency": 16}, "metrics": )" +
      metrics + "}]}";
  const std::string by_value =
      R"({"metadata": {"parameter_name": "concurrency", "num_trials_per_value": 3},
"per_value_metrics": {"16": )" +
      metrics + "}}";
  for (const std::string& sweep : {listed, by_value}) {
    const SweepResult result =
        import_results({folder.add("profile_export_aiperf_sweep.json", sweep)}, on_gpus(1));
    ASSERT_EQ(result.levels.size(), 1u) << sweep;
    EXPECT_EQ(result.levels[0].point.concurrency(), 16);
    const RunStats& stats = result.levels[0].pooled;
    EXPECT_EQ(stats.e2e.p50, 1900.0);
    EXPECT_EQ(stats.e2e.mean, 2000.0);
    EXPECT_EQ(stats.e2e.min, 50.0);
    EXPECT_FALSE(stats.e2e.max) << "the most of the trials' means is no request's";
    EXPECT_EQ(stats.ttft.p90, 33.0);
    EXPECT_EQ(stats.requests.completed, 400);
    EXPECT_EQ(stats.output_throughput_tps, 1792.0);
    EXPECT_THAT(result.provenance.notes, Contains(HasSubstr("the mean of several trials")));
  }
  EXPECT_THAT(error_text([&] {
                import_results({folder.add("profile_export_aiperf_aggregate.json",
                                           R"({"metadata": {"aggregation_type": "confidence"},
"metrics": )" + metrics + "}")},
                               on_gpus(1));
              }),
              HasSubstr("summary of repeated runs"));
}

}  // namespace
}  // namespace llmsweep

// Small results for tests of compare and gate: levels whose runs have the medians asked for.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep::testing {

// Throughput follows from the closed loop: C·1,600 tokens ÷ E2E.
inline RunStats make_run(int concurrency, double e2e_ms, int repeat = 0) {
  RunStats run;
  run.repeat = repeat;
  run.requests.completed = 400;
  const Distribution flat{.count = 400,
                          .mean = e2e_ms,
                          .min = e2e_ms,
                          .max = e2e_ms,
                          .p50 = e2e_ms,
                          .p90 = e2e_ms * 1.1,
                          .p95 = e2e_ms * 1.2,
                          .p99 = e2e_ms * 1.3,
                          .p50_ci95 = Interval{e2e_ms * 0.995, e2e_ms * 1.005}};
  run.e2e = flat;
  const auto scaled = [&flat](double factor) {
    Distribution copy = flat;
    for (double* value : {&*copy.mean, &*copy.min, &*copy.max, &*copy.p50, &*copy.p90, &*copy.p95,
                          &*copy.p99, &copy.p50_ci95->low, &copy.p50_ci95->high}) {
      *value *= factor;
    }
    return copy;
  };
  run.ttft = run.ttfo = scaled(0.05);
  run.tpot = run.itl = run.icl = scaled(0.95 / 1599);
  run.steady_output_throughput_tps = concurrency * 1600.0 / (e2e_ms / 1000);
  run.output_throughput_tps = *run.steady_output_throughput_tps * 0.97;
  run.wall_seconds = static_cast<double>(run.e2e.count.value_or(0)) * e2e_ms / 1000 / concurrency;
  run.request_throughput_rps = concurrency / (e2e_ms / 1000);
  run.output_speed_tps = 1600 / (e2e_ms / 1000);
  run.decode_speed_tps = 1000 / *run.tpot.p50;
  run.goodput_fraction = 0.98;
  run.goodput_rps = *run.request_throughput_rps * 0.98;
  return run;
}

inline LevelStats make_level(int concurrency, const std::vector<double>& e2e_ms) {
  LevelStats level;
  level.point = at_concurrency(concurrency);
  double sum = 0;
  for (size_t i = 0; i < e2e_ms.size(); ++i) {
    level.runs.push_back(make_run(concurrency, e2e_ms[i], static_cast<int>(i)));
    sum += e2e_ms[i];
  }
  level.pooled = make_run(concurrency, sum / static_cast<double>(e2e_ms.size()));
  level.pooled.requests.completed = 400 * static_cast<int64_t>(e2e_ms.size());
  return level;
}

using Levels = std::vector<std::pair<int, std::vector<double>>>;

inline SweepResult make_result(const std::string& name, int gpus, const Levels& levels) {
  SweepResult result;
  result.tool = "llmsweep test";
  // One after the other on one host: of one session, and none a copy of another.
  static int made = 0;
  ++made;
  result.created_at = fmt::format("2026-11-29T00:{:02}:{:02}Z", made / 60 % 60, made % 60);
  result.provenance.host = "host";
  result.name = name;
  result.model = "deepseek-v3.2";
  result.system = {.accelerator = "GB200", .gpus = gpus, .precision = "NVFP4"};
  result.workload.dataset = "sample";
  result.workload.input_tokens = TokenCount{.fixed = 2400};
  result.workload.output_tokens = TokenCount{.fixed = 1600};
  result.workload.seed = 7;
  result.workload.prompt_set_sha256 = std::string(64, 'a');
  for (const auto& [concurrency, e2e_ms] : levels) {
    result.levels.push_back(make_level(concurrency, e2e_ms));
    auto& level = result.levels.back();
    level.pooled.throughput_per_gpu_tps = *level.pooled.steady_output_throughput_tps / gpus;
    for (RunStats& run : level.runs) {
      run.throughput_per_gpu_tps = *run.steady_output_throughput_tps / gpus;
    }
  }
  return result;
}

inline Target e2e_target(Duration max) {
  return {.metric = Metric::kE2e, .statistic = Statistic::kP50, .max = max};
}

}  // namespace llmsweep::testing

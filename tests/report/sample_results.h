// Results to render: the published points, and sweeps shaped like the real ones.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep::sample {

// Median E2E and steady throughput, with intervals of ± 1 % and what follows from them.
inline LevelStats level(int concurrency, double e2e_ms, double throughput_tps, int gpus) {
  LevelStats level{.point = at_concurrency(concurrency)};
  RunStats& run = level.pooled;
  run.requests.completed = concurrency * 30;
  run.e2e = {.count = concurrency * 30,
             .mean = e2e_ms * 1.01,
             .min = e2e_ms * 0.9,
             .max = e2e_ms * 1.4,
             .p50 = e2e_ms,
             .p90 = e2e_ms * 1.1,
             .p95 = e2e_ms * 1.2,
             .p50_ci95 = Interval{e2e_ms * 0.99, e2e_ms * 1.01}};
  if (concurrency >= 16) run.e2e.p99 = e2e_ms * 1.3;
  run.ttft = {.count = run.e2e.count, .p50 = 60.0 + 10.0 * concurrency};
  run.tpot = {.count = run.e2e.count, .p50 = (e2e_ms - *run.ttft.p50) / 1600};
  run.output_throughput_tps = throughput_tps * 0.97;
  run.steady_output_throughput_tps = throughput_tps;
  run.throughput_per_gpu_tps = throughput_tps / gpus;
  run.throughput_per_latency = throughput_tps / e2e_ms;
  run.output_speed_tps = 1600 / e2e_ms * 1000;
  run.client.busy_fraction = 0.01 * std::sqrt(concurrency);
  level.throughput_between_runs_ci95 = Interval{throughput_tps * 0.97, throughput_tps * 1.03};
  level.e2e_p50_between_runs_ci95 = Interval{e2e_ms * 0.98, e2e_ms * 1.02};
  for (int repeat = 0; repeat < 3; ++repeat) {
    level.runs.push_back(run);
    level.runs.back().repeat = repeat;
  }
  return level;
}

inline SweepResult empty_result(const std::string& name, int gpus) {
  SweepResult result{.tool = "llmsweep 0.1.0", .name = name, .created_at = "2026-11-22T04:05:06Z"};
  result.model = "deepseek-ai/DeepSeek-V3.2";
  result.system = {.accelerator = name,
                   .gpus = gpus,
                   .precision = "FP8",
                   .engine = "TensorRT LLM",
                   .engine_version = "1.2.0rc8",
                   .tensor_parallel = gpus,
                   .mtp = gpus == 4,
                   .max_batch_size = 64};
  result.workload = {.dataset = "datasets/sharegpt-sample.json",
                     .input_tokens = TokenCount{.fixed = 2400},
                     .output_tokens = {.fixed = 1600},
                     .seed = 1,
                     .prompt_set_sha256 = std::string(64, 'a')};
  return result;
}

// A saturating server: E2E grows slowly to the knee, then with the queue.
struct Shape {
  std::string name;
  int gpus = 4;
  double e2e_at_1_ms = 5801;
  double growth = 0.2;  // exponent of concurrency
  int highest = 256;
};
inline SweepResult sweep(const Shape& shape) {
  SweepResult result = empty_result(shape.name, shape.gpus);
  for (int c = 1; c <= shape.highest; c *= 2) {
    const double queue = c > 64 ? c / 64.0 : 1.0;
    const double e2e = shape.e2e_at_1_ms * std::pow(std::min(c, 64), shape.growth) * queue;
    result.levels.push_back(level(c, e2e, c * 1600 / e2e * 1000, shape.gpus));
  }
  const Target target{.max = std::chrono::seconds(15)};
  UsersAtTarget users{.target = target, .kind = UsersKind::kBelowSweep};
  for (const LevelStats& at : result.levels) {
    if (*at.pooled.e2e.p50 <= 15000) {
      users.kind = UsersKind::kBeyondSweep;
      users.users = at.point.concurrency();
      users.c_pass = at.point.concurrency();
    } else {
      if (users.c_pass) users.kind = UsersKind::kMeasured;
      users.c_fail = at.point.concurrency();
      break;
    }
  }
  if (users.kind == UsersKind::kMeasured) users.c_interpolated = users.users * 1.05;
  users.users_per_gpu = 1.0 * users.users / shape.gpus;
  result.users_at_target = {users};
  return result;
}

// The same with every level's requests divided between two models, "large" the slower.
inline SweepResult of_two_models(SweepResult result) {
  result.models = {{.name = "small", .weight = 3}, {.name = "large", .weight = 1}};
  for (LevelStats& level : result.levels) {
    const int64_t all = level.pooled.requests.completed.value_or(0);
    const double e2e_ms = level.pooled.e2e.p50.value_or(0);
    level.models = {{.model = "large",
                     .completed = all / 4 - 1,
                     .failed = 1,
                     .e2e = {.count = all / 4 - 1, .p50 = e2e_ms * 2},
                     .ttft = {.count = all / 4 - 1, .p50 = 140},
                     .input_tokens_mean = 2400,
                     .output_tokens_mean = 1600},
                    {.model = "small",
                     .completed = all - all / 4,
                     .e2e = {.count = all - all / 4, .p50 = e2e_ms},
                     .ttft = {.count = all - all / 4, .p50 = 70},
                     .input_tokens_mean = 2400,
                     .output_tokens_mean = 1600}};
  }
  return result;
}

inline std::vector<SweepResult> three_sweeps() {
  return {sweep({"GB200 NVFP4", 4, 5801, 0.44}), sweep({"GB200 FP8", 4, 7015, 0.42}),
          sweep({"H200 FP8", 8, 14716, 0.40})};
}

// The source article's points, as docs/metrics.md lists them.
inline std::vector<SweepResult> published() {
  std::vector<SweepResult> results;
  const auto add = [&](const std::string& name, int gpus, double e2e, double tps) {
    SweepResult result = empty_result(name, gpus);
    result.source = Source::kPublished;
    LevelStats point{.point = at_concurrency(1)};
    point.pooled.e2e.p50 = e2e;
    point.pooled.steady_output_throughput_tps = tps;
    point.pooled.throughput_per_gpu_tps = tps / gpus;
    point.pooled.throughput_per_latency = tps / e2e;
    result.levels.push_back(point);
    results.push_back(result);
  };
  add("GB200 NVFP4", 4, 5801, 272);
  add("GB200 FP8", 4, 7015, 228);
  add("H200 FP8", 8, 14716, 109);
  LevelStats at_target{.point = at_concurrency(8)};
  at_target.pooled.steady_output_throughput_tps = 872;
  at_target.pooled.throughput_per_gpu_tps = 218;
  at_target.pooled.e2e.p50_at_most = 15000;
  results[0].levels.push_back(at_target);
  const Target target{.max = std::chrono::seconds(15)};
  results[0].users_at_target = {{.target = target,
                                 .kind = UsersKind::kBeyondSweep,
                                 .users = 8,
                                 .c_pass = 8,
                                 .users_per_gpu = 2}};
  results[2].users_at_target = {{.target = target,
                                 .kind = UsersKind::kBeyondSweep,
                                 .users = 1,
                                 .c_pass = 1,
                                 .users_per_gpu = 0.125}};
  return results;
}

}  // namespace llmsweep::sample

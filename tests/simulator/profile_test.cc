#include "llmsweep/simulator/profile.h"

#include <gtest/gtest.h>

#include <cmath>

#include "llmsweep/base/config.h"
#include "llmsweep/base/error.h"
#include "llmsweep/simulator/fit.h"
#include "simulator/closed_loop.h"

namespace llmsweep {
namespace {

const std::filesystem::path kProfiles =
    std::filesystem::path(LLMSWEEP_SOURCE_DIR) / "configs" / "simulators";

SimulatorProfile parsed(const std::string& yaml) {
  return parse_profile(ConfigNode::parse(yaml, "p.yaml"));
}

std::string error_of(const std::string& yaml) {
  try {
    parsed(yaml);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Profile, ReadsBackWhatItWrites) {
  const std::string all = R"(
name: all
model: m
seed: 7
dialect: sglang
engine:
  step: {base_ms: 1.5, per_prefill_token_us: 2.25, per_sequence_us: 3, per_kv_token_ns: 0.4}
  max_batch_size: 5
  max_batched_tokens: 100
  max_model_len: 999
  chunked_prefill: false
  kv_capacity_tokens: 4096
  kv_block_tokens: 16
  tokens_per_step: [0.25, 0.75]
  request_overhead_us: 12
  step_noise: 0.02
  run_noise: 0.01
  drift: {kind: walk, percent: 2, period: 90s, seed: 7}
  freeze: {after: 20s, for: 2s, every: 60s}
  prefill_pool: {workers: 3, base_ms: 1, per_prefill_token_us: 4, kv_bytes_per_token: 35000, link_gbps: 200, link_latency_us: 20}
tokens: {rule: bytes, request_overhead: 1, message_overhead: 2, natural_mean: 33, natural_stddev: 4}
wire:
  headers: first_token
  role_chunk: "null"
  usage: every_chunk
  reasoning_tokens: 9
  silent_tokens: 2
  comment_interval: 100ms
  comment: " wait"
  crlf: true
  event_name: message
  tokens_per_chunk: 3
  text: split
  rejected_fields: [ignore_eos]
faults:
  - {kind: stall, requests: [3, 5], after_chunks: 2, duration: 1s}
  - {kind: status, probability: 0.25, status: 429, retry_after_s: 2}
)";
  const SimulatorProfile profile = parsed(all);
  EXPECT_EQ(profile.engine.prefill_pool->workers, 3);
  EXPECT_EQ(profile.engine.freeze.after, std::chrono::seconds(20));
  EXPECT_EQ(profile.engine.freeze.length, std::chrono::seconds(2));
  EXPECT_EQ(profile.engine.freeze.every, std::chrono::seconds(60));
  EXPECT_DOUBLE_EQ(profile.engine.step.per_kv_token.count(), 0.4);
  EXPECT_DOUBLE_EQ(profile.engine.step.base.count(), 1.5e6);
  EXPECT_TRUE(profile.wire.extra_nulls) << "the dialect's own habits stay";
  EXPECT_EQ(profile.wire.comment_interval, std::chrono::milliseconds(100));
  ASSERT_EQ(profile.faults.size(), 2U);
  EXPECT_EQ(profile.faults[0].requests, (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(profile.faults[1].retry_after_s, 2);
  const std::string written = profile_yaml(profile, {"a comment"});
  EXPECT_TRUE(written.starts_with("# a comment\n"));
  EXPECT_EQ(profile_yaml(parsed(written)), profile_yaml(profile));
}

TEST(Profile, SaysWhereItIsWrongAndWhatWouldBeRight) {
  EXPECT_NE(error_of("engine: {step: {base: 3}}").find("p.yaml:1:engine.step.base"),
            std::string::npos);
  EXPECT_NE(error_of("engine: {stepp: {}}").find("engine.step"), std::string::npos);
  EXPECT_NE(error_of("dialect: vlm\nengine: {step: {}}").find("vllm"), std::string::npos);
  EXPECT_NE(error_of("{}").find("engine"), std::string::npos);
  EXPECT_NE(error_of("engine: {step: {}, tokens_per_step: [0.5, 0.4]}").find("sum"),
            std::string::npos);
  EXPECT_NE(error_of("engine: {step: {}, max_batched_tokens: 5}").find("max_batch_size"),
            std::string::npos);
  EXPECT_NE(error_of("engine: {step: {}}\nfaults: [{kind: reset}]").find("never happens"),
            std::string::npos);
  EXPECT_NE(error_of("engine: {step: {}}\nfaults: [{kind: stall, requests: [1]}]").find("duration"),
            std::string::npos);
  EXPECT_NE(error_of("engine: {step: {}, prefix_cache: true, prefill_pool: {}}").find("not model"),
            std::string::npos);
  EXPECT_NE(error_of("engine: {step: {base_ms: -1}}").find("base_ms"), std::string::npos);
}

TEST(Profile, ShipsOnesThatCanAllBeRead) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kProfiles)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_EQ(read_profile(entry.path()).name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 5);
}

struct Published {
  const char* name;
  double e2e_ms;  // at concurrency 1, 2,400 + 1,600 tokens
};

sim::LoopResult loop(const EngineProfile& engine, int concurrency, int64_t tenths) {
  return sim::run_closed_loop(engine, {.concurrency = concurrency,
                                       .input_tokens = 240 * tenths,
                                       .output_tokens = 160 * tenths,
                                       .requests_per_slot = 30,
                                       .seed = 5});
}

TEST(ShippedProfiles, ReproduceThePublishedLatencyAtConcurrencyOne) {
  for (const auto& [name, e2e_ms] :
       {Published{"gb200-nvfp4", 5801}, {"gb200-fp8", 7015}, {"h200-fp8", 14716}}) {
    const auto profile = read_profile(kProfiles / (std::string(name) + ".yaml"));
    EXPECT_NEAR(loop(profile.engine, 1, 10).e2e_p50_ms, e2e_ms, e2e_ms * 0.01) << name;
  }
}

TEST(ShippedProfiles, ServeEightUsersAgainstOneAtBothLengths) {
  const EngineProfile gb200 = read_profile(kProfiles / "gb200-nvfp4.yaml").engine;
  const EngineProfile h200 = read_profile(kProfiles / "h200-fp8.yaml").engine;
  EXPECT_NEAR(loop(gb200, 8, 10).throughput_tps, 872, 872 * 0.01);
  for (int64_t tenths : {10, 1}) {
    const double target_ms = 1500.0 * static_cast<double>(tenths);
    EXPECT_LT(loop(gb200, 8, tenths).e2e_p50_ms, target_ms * 0.985);
    EXPECT_GT(loop(gb200, 16, tenths).e2e_p50_ms, target_ms * 1.1);
    EXPECT_LT(loop(h200, 1, tenths).e2e_p50_ms, target_ms * 0.985);
    EXPECT_GT(loop(h200, 2, tenths).e2e_p50_ms, target_ms * 1.03);
    const double ratio = loop(h200, 1, tenths).e2e_p50_ms / loop(gb200, 1, tenths).e2e_p50_ms;
    EXPECT_NEAR(ratio, 2.54, 0.05);
  }
}

TEST(ShippedProfiles, SaturateAtTheirBatch) {
  for (const char* name : {"gb200-nvfp4", "gb200-fp8", "h200-fp8"}) {
    const EngineProfile engine = read_profile(kProfiles / (std::string(name) + ".yaml")).engine;
    double previous = 0;
    double gain = 0;
    for (int concurrency : {1, 2, 4, 8, 16, 32, 64}) {
      const double throughput = loop(engine, concurrency, 1).throughput_tps;
      EXPECT_GT(throughput, previous) << name;
      if (previous > 0) gain = throughput / previous;
      previous = throughput;
    }
    EXPECT_LT(gain, 1.2) << name << ": from 32 to 64";
    EXPECT_NEAR(loop(engine, 128, 1).throughput_tps, previous, previous * 0.03) << name;
  }
}

TEST(ShippedProfiles, AreWhatTheirInputsGive) {
  for (const char* name : {"gb200-nvfp4", "gb200-fp8", "h200-fp8"}) {
    const std::string file = std::string(name) + ".yaml";
    const FitInput input = read_fit_input(kProfiles / "inputs" / file);
    const Fit fit = fit_profile(input.points, {.start = input.start});
    EXPECT_LT(fit.mape, 0.001);
    EXPECT_EQ(profile_yaml(read_profile(kProfiles / file)), profile_yaml(fit.profile));
  }
}

}  // namespace
}  // namespace llmsweep

// A closed loop of equal requests against an Engine in virtual time: what the harness would measure
// if it and the network were without delay. The forward model of fit_profile(), and of tests.
#pragma once

#include <cstdint>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/simulator/profile.h"

namespace llmsweep::sim {

struct ClosedLoop {
  int concurrency = 1;
  int64_t input_tokens = 1;
  int64_t output_tokens = 1;
  int warmup_per_slot = 1;
  int requests_per_slot = 3;
  // Slots start one after the other and pause so long between requests, as a client does.
  Duration slot_gap = std::chrono::microseconds(100);
  Duration spread_starts{};  // above 0: the slots start evenly over it instead
  uint64_t seed = 1;
  Instant start = from_ns(1'000'000'000);  // of the first slot
};

struct LoopedRequest {
  Instant sent{};
  Instant first_token{};
  Instant last_token{};
  int64_t first_tokens = 0;  // in the first chunk
  int64_t chunks = 0;
};

struct LoopResult {
  std::vector<LoopedRequest> measured;  // in order of completion
  double e2e_p50_ms = 0;
  double ttft_p50_ms = 0;
  double tpot_p50_ms = 0;  // 0 with one output token
  double icl_mean_ms = 0;  // 0 with one chunk
  // Standard errors of these ÷ their value, were requests independent and normal.
  double icl_error = 0;
  double e2e_error = 0;
  double ttft_error = 0;
  double tpot_error = 0;
  double throughput_tps = 0;    // C · Σ tokens ÷ Σ (E2E + gap)
  double tokens_per_chunk = 0;  // after the first chunk
  double mean_running = 0;      // time average, over the measured requests
};

LoopResult run_closed_loop(const EngineProfile& profile, const ClosedLoop& loop);

}  // namespace llmsweep::sim

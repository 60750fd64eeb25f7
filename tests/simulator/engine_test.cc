#include "llmsweep/simulator/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "llmsweep/base/random.h"
#include "simulator/closed_loop.h"

namespace llmsweep {
namespace {

using sim::LoopedRequest;
using sim::LoopResult;
using sim::run_closed_loop;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

const Instant kStart = from_ns(5'000'000'000);

// 4 ms + 20 µs a prompt token + 300 µs a sequence + 10 ns a token held.
EngineProfile plain_profile() {
  EngineProfile profile;
  profile.step = {.base = milliseconds(4),
                  .per_prefill_token = microseconds(20),
                  .per_sequence = microseconds(300),
                  .per_kv_token = nanoseconds(10)};
  return profile;
}

struct Outcome {
  Instant prefill_start{};
  std::vector<Instant> at;
  std::vector<int64_t> tokens;
  int64_t cached = 0;
  bool last = false;

  int64_t total() const {
    int64_t sum = 0;
    for (int64_t t : tokens) sum += t;
    return sum;
  }
};

void collect(const std::vector<EngineEvent>& events, std::map<uint64_t, Outcome>& outcomes) {
  for (const EngineEvent& event : events) {
    Outcome& outcome = outcomes[event.id];
    EXPECT_FALSE(outcome.last) << "an event after the last of request " << event.id;
    if (event.kind == EngineEvent::Kind::kPrefillStart) {
      outcome.prefill_start = event.at;
      outcome.cached = event.cached_tokens;
    } else {
      outcome.at.push_back(event.at);
      outcome.tokens.push_back(event.tokens);
      outcome.last = event.last;
    }
  }
}

std::map<uint64_t, Outcome> run_until_idle(Engine& engine) {
  std::map<uint64_t, Outcome> outcomes;
  std::vector<EngineEvent> events;
  while (auto next = engine.next()) engine.advance(*next, events);
  collect(events, outcomes);
  return outcomes;
}

TEST(Engine, IsIdleUntilARequestComes) {
  Engine engine(plain_profile(), 1);
  EXPECT_FALSE(engine.next().has_value());
  std::vector<EngineEvent> events;
  engine.advance(kStart, events);
  EXPECT_TRUE(events.empty());
  engine.cancel(7, kStart);
  EXPECT_EQ(engine.load().running, 0);
}

TEST(Engine, ServesOneStreamAsTheClosedFormSays) {
  Engine engine(plain_profile(), 1);
  const int64_t prompt = 2400;
  const int64_t output = 1600;
  engine.submit({.id = 1, .prompt_tokens = prompt, .output_tokens = output}, kStart);
  const Outcome outcome = run_until_idle(engine).at(1);
  ASSERT_EQ(outcome.at.size(), static_cast<size_t>(output));
  EXPECT_TRUE(outcome.last);
  const double ttft_ms = 4 + 0.020 * 2400;
  // Step k after the first holds prompt + k tokens, k from 1 to output − 1.
  const double held = 1599.0 * 2400 + 1599.0 * 1600 / 2;
  const double decode_ms = 1599 * (4 + 0.3) + held * 10e-6;
  EXPECT_NEAR(to_ms(outcome.at.front() - kStart), ttft_ms, ttft_ms * 1e-3);
  EXPECT_NEAR(to_ms(outcome.at.back() - outcome.at.front()) / 1599, decode_ms / 1599,
              decode_ms / 1599 * 1e-3);
  EXPECT_NEAR(to_ms(outcome.at.back() - kStart), ttft_ms + decode_ms, 1e-3);
}

TEST(Engine, IsNotChangedByACallerThatComesLate) {
  std::map<uint64_t, Outcome> punctual;
  std::map<uint64_t, Outcome> late;
  for (bool is_late : {false, true}) {
    Engine engine(plain_profile(), 1);
    std::vector<EngineEvent> events;
    for (uint64_t id = 1; id <= 3; ++id) {
      const Instant arrival = kStart + milliseconds(id * 30);
      engine.advance(arrival, events);
      engine.submit({.id = id, .prompt_tokens = 500, .output_tokens = 40}, arrival);
    }
    if (is_late) {
      engine.advance(kStart + std::chrono::seconds(100), events);
    } else {
      while (auto next = engine.next()) engine.advance(*next, events);
    }
    collect(events, is_late ? late : punctual);
  }
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(punctual.at(id).at, late.at(id).at);
}

TEST(Engine, TakesArrivalsThatAreToldLateAndInAnyOrder) {
  const std::map<uint64_t, Instant> arrivals = {{1, kStart},
                                                {2, kStart + milliseconds(1)},
                                                {3, kStart + milliseconds(2)},
                                                {4, kStart + milliseconds(2)}};
  const auto request = [](uint64_t id) {
    return EngineRequest{.id = id, .prompt_tokens = 500, .output_tokens = 4};
  };
  EngineProfile profile = plain_profile();
  profile.max_batched_tokens = 600;  // a prompt a step: the order is seen
  Engine punctual(profile, 1);
  for (const auto& [id, at] : arrivals) punctual.submit(request(id), at);
  const auto expected = run_until_idle(punctual);

  Engine late(profile, 1);
  std::vector<EngineEvent> events;
  late.submit(request(1), arrivals.at(1));
  late.advance(kStart + milliseconds(5), events);  // inside the first step: 4 ms + 500·20 µs
  for (uint64_t id : {3, 4, 2}) late.submit(request(id), arrivals.at(id));
  while (auto next = late.next()) late.advance(*next, events);
  std::map<uint64_t, Outcome> outcomes;
  collect(events, outcomes);
  for (const auto& [id, at] : arrivals) {
    EXPECT_EQ(outcomes.at(id).prefill_start, expected.at(id).prefill_start) << id;
    EXPECT_EQ(outcomes.at(id).at, expected.at(id).at) << id;
  }
}

TEST(Engine, TakesBackNothingForAnArrivalThatIsToldTooLate) {
  EngineProfile profile = plain_profile();
  profile.step = {.base = milliseconds(5)};
  Engine engine(profile, 1);
  std::vector<EngineEvent> events;
  engine.submit({.id = 1, .prompt_tokens = 10, .output_tokens = 10}, kStart);
  engine.advance(kStart + milliseconds(12), events);  // two steps are over, the third goes on
  const size_t told = events.size();
  engine.submit({.id = 2, .prompt_tokens = 10, .output_tokens = 1}, kStart + milliseconds(1));
  while (auto next = engine.next()) engine.advance(*next, events);
  for (size_t i = told; i < events.size(); ++i) {
    EXPECT_GE(events[i].at, events[i - 1].at);
    EXPECT_GT(events[i].at, kStart + milliseconds(12));
  }
  std::map<uint64_t, Outcome> outcomes;
  collect(events, outcomes);
  EXPECT_EQ(outcomes.at(2).prefill_start, kStart + milliseconds(15));
  EXPECT_EQ(outcomes.at(2).at, std::vector{kStart + milliseconds(20)});
  EXPECT_EQ(outcomes.at(1).at.back(), kStart + milliseconds(50));
}

TEST(Engine, AddsItsRequestOverheadOnce) {
  EngineProfile profile = plain_profile();
  profile.request_overhead = milliseconds(7);
  Engine engine(profile, 1);
  engine.submit({.id = 1, .prompt_tokens = 100, .output_tokens = 1}, kStart);
  const Outcome outcome = run_until_idle(engine).at(1);
  EXPECT_EQ(outcome.prefill_start - kStart, milliseconds(7));
  EXPECT_EQ(outcome.at.front() - kStart, milliseconds(7 + 4 + 2));
}

TEST(Engine, MixesPromptChunksWithDecodingInsideTheBudget) {
  EngineProfile profile = plain_profile();
  profile.max_batched_tokens = 101;
  profile.step.per_kv_token = Cost(0);
  Engine engine(profile, 1);
  std::vector<EngineEvent> events;
  engine.submit({.id = 1, .prompt_tokens = 10, .output_tokens = 20}, kStart);
  engine.advance(kStart, events);
  const Instant second = kStart + microseconds(100);  // inside the first step
  engine.submit({.id = 2, .prompt_tokens = 250, .output_tokens = 1}, second);
  std::map<uint64_t, Outcome> outcomes;
  while (auto next = engine.next()) engine.advance(*next, events);
  collect(events, outcomes);
  // 1: 4 ms + 10·20 µs; then 250 tokens go as 100 + 100 + 50 beside its decoding.
  const Duration first = microseconds(4200);
  const Duration mixed = microseconds(4300 + 2000);
  EXPECT_EQ(outcomes.at(1).at[0] - kStart, first);
  EXPECT_EQ(outcomes.at(2).prefill_start - kStart, first);
  EXPECT_EQ(outcomes.at(1).at[1] - kStart, first + mixed);
  EXPECT_EQ(outcomes.at(1).at[2] - kStart, first + 2 * mixed);
  EXPECT_EQ(outcomes.at(2).at[0] - kStart, first + 2 * mixed + microseconds(4300 + 1000));
  EXPECT_EQ(outcomes.at(1).at[3], outcomes.at(2).at[0]);
}

TEST(Engine, HoldsDecodingBackWhilePromptsAreComputedWithoutChunks) {
  EngineProfile profile = plain_profile();
  profile.chunked_prefill = false;
  profile.step.per_kv_token = Cost(0);
  Engine engine(profile, 1);
  std::vector<EngineEvent> events;
  engine.submit({.id = 1, .prompt_tokens = 100, .output_tokens = 3}, kStart);
  engine.advance(kStart, events);
  engine.submit({.id = 2, .prompt_tokens = 1000, .output_tokens = 1}, kStart + microseconds(1));
  std::map<uint64_t, Outcome> outcomes;
  while (auto next = engine.next()) engine.advance(*next, events);
  collect(events, outcomes);
  EXPECT_EQ(outcomes.at(2).at[0] - kStart, microseconds(6000 + 24000));
  EXPECT_EQ(outcomes.at(1).at[1] - kStart, microseconds(6000 + 24000 + 4300));
}

TEST(Engine, KeepsRequestsWaitingBeyondTheBatch) {
  EngineProfile profile = plain_profile();
  profile.max_batch_size = 2;
  Engine engine(profile, 1);
  for (uint64_t id = 1; id <= 3; ++id) {
    engine.submit({.id = id, .prompt_tokens = 10, .output_tokens = 5}, kStart);
  }
  std::vector<EngineEvent> events;
  engine.advance(kStart, events);
  EXPECT_EQ(engine.load().running, 2);
  EXPECT_EQ(engine.load().waiting, 1);
  const auto outcomes = run_until_idle(engine);
  EXPECT_EQ(outcomes.at(3).prefill_start, outcomes.at(1).at.back());
  EXPECT_EQ(outcomes.at(3).total(), 5);
}

TEST(Engine, ForgetsACancelledRequestAndServesTheOthers) {
  EngineProfile profile = plain_profile();
  profile.max_batch_size = 1;
  profile.kv_capacity_tokens = 320;
  Engine engine(profile, 1);
  std::vector<EngineEvent> events;
  engine.submit({.id = 1, .prompt_tokens = 200, .output_tokens = 50}, kStart);
  engine.submit({.id = 2, .prompt_tokens = 200, .output_tokens = 4}, kStart);
  engine.submit({.id = 3, .prompt_tokens = 200, .output_tokens = 4}, kStart);
  engine.advance(kStart + milliseconds(20), events);
  engine.cancel(1, kStart + milliseconds(20));
  engine.cancel(3, kStart + milliseconds(20));
  const auto outcomes = run_until_idle(engine);
  EXPECT_FALSE(outcomes.contains(1));
  EXPECT_FALSE(outcomes.contains(3));
  EXPECT_EQ(outcomes.at(2).total(), 4);
  EXPECT_EQ(engine.load().kv_tokens, 0);
}

TEST(Engine, PreemptsTheYoungestWhenTheCacheIsFullAndLosesNoToken) {
  EngineProfile profile = plain_profile();
  profile.kv_block_tokens = 16;
  profile.kv_capacity_tokens = 16 * 20;
  Engine engine(profile, 1);
  for (uint64_t id = 1; id <= 3; ++id) {
    engine.submit({.id = id, .prompt_tokens = 96, .output_tokens = 100}, kStart);
  }
  const auto outcomes = run_until_idle(engine);
  EXPECT_GT(engine.load().preemptions, 0);
  EXPECT_GT(engine.load().prefill_tokens, 3 * 96) << "what was preempted is computed again";
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(outcomes.at(id).total(), 100);
  EXPECT_LT(outcomes.at(1).at.back(), outcomes.at(3).at.back());
  EXPECT_EQ(engine.load().kv_tokens, 0);
}

TEST(Engine, SaysWhatCanNeverBeServed) {
  EngineProfile profile = plain_profile();
  profile.max_model_len = 1000;
  EXPECT_TRUE(Engine(profile, 1).admissible(900, 100));
  EXPECT_FALSE(Engine(profile, 1).admissible(900, 101));
  profile.kv_capacity_tokens = 320;
  EXPECT_TRUE(Engine(profile, 1).admissible(300, 20));
  EXPECT_FALSE(Engine(profile, 1).admissible(300, 21));
}

TEST(Engine, FindsACommonPrefixInItsCache) {
  EngineProfile profile = plain_profile();
  profile.prefix_cache = true;
  profile.kv_block_tokens = 32;
  Engine engine(profile, 1);
  const std::vector<uint64_t> first = {11, 12, 13};
  const std::vector<uint64_t> second = {11, 12, 99};
  engine.submit({.id = 1, .prompt_tokens = 96, .output_tokens = 2, .block_hashes = first}, kStart);
  EXPECT_EQ(run_until_idle(engine).at(1).cached, 0);
  const Instant later = kStart + std::chrono::seconds(1);
  engine.submit({.id = 2, .prompt_tokens = 100, .output_tokens = 2, .block_hashes = second}, later);
  const Outcome outcome = run_until_idle(engine).at(2);
  EXPECT_EQ(outcome.cached, 64);
  EXPECT_EQ(outcome.at.front() - later, milliseconds(4) + 36 * microseconds(20));
  // The whole of the same prompt is known but for its last block: one token is always computed.
  const Instant again = kStart + std::chrono::seconds(2);
  engine.submit({.id = 3, .prompt_tokens = 96, .output_tokens = 2, .block_hashes = first}, again);
  EXPECT_EQ(run_until_idle(engine).at(3).cached, 64);
  EXPECT_EQ(engine.load().cached_tokens, 128);
  EXPECT_EQ(engine.load().cache_queries, 96 + 100 + 96);
}

TEST(Engine, ForgetsTheOldestPrefixWhenBlocksRunOut) {
  EngineProfile profile = plain_profile();
  profile.prefix_cache = true;
  profile.kv_block_tokens = 10;
  profile.kv_capacity_tokens = 50;
  Engine engine(profile, 1);
  auto cached_of = [&](uint64_t id, std::vector<uint64_t> hashes) {
    engine.submit(
        {.id = id, .prompt_tokens = 21, .output_tokens = 1, .block_hashes = std::move(hashes)},
        kStart + std::chrono::seconds(id));
    return run_until_idle(engine).at(id).cached;
  };
  EXPECT_EQ(cached_of(1, {1, 2}), 0);
  EXPECT_EQ(cached_of(2, {1, 2}), 20);
  EXPECT_EQ(cached_of(3, {3, 4}), 0);
  EXPECT_EQ(cached_of(4, {5, 6}), 0);  // takes the blocks of {1, 2}
  EXPECT_EQ(cached_of(5, {1, 2}), 0);
}

TEST(Engine, AcceptsTokensWithTheProfilesChances) {
  EngineProfile profile = plain_profile();
  profile.tokens_per_step = {0.2, 0.3, 0.5};
  Engine engine(profile, 1);
  engine.submit({.id = 1, .prompt_tokens = 10, .output_tokens = 30'000, .seed = 42}, kStart);
  const Outcome outcome = run_until_idle(engine).at(1);
  EXPECT_EQ(outcome.total(), 30'000);
  EXPECT_EQ(outcome.tokens.front(), 1);
  std::map<int64_t, double> share;
  const auto steps = static_cast<double>(outcome.tokens.size() - 1);
  for (size_t i = 1; i < outcome.tokens.size(); ++i) share[outcome.tokens[i]] += 1 / steps;
  // Five standard deviations of a share over some 13,000 steps.
  EXPECT_NEAR(share[1], 0.2, 5 * std::sqrt(0.16 / steps));
  EXPECT_NEAR(share[2], 0.3, 5 * std::sqrt(0.21 / steps));
  EXPECT_NEAR(share[3], 0.5, 5 * std::sqrt(0.25 / steps));
  EXPECT_EQ(engine.load().draft_tokens, static_cast<int64_t>(outcome.tokens.size() - 1) * 2);
}

TEST(Engine, DrawsAcceptedTokensFromTheRequestsSeedWhateverElseRuns) {
  EngineProfile profile = plain_profile();
  profile.tokens_per_step = {0.4, 0.6};
  Engine alone(profile, 1);
  alone.submit({.id = 1, .prompt_tokens = 10, .output_tokens = 200, .seed = 5}, kStart);
  Engine busy(profile, 9);
  busy.submit({.id = 8, .prompt_tokens = 300, .output_tokens = 150, .seed = 6}, kStart);
  busy.submit({.id = 9, .prompt_tokens = 10, .output_tokens = 200, .seed = 5}, kStart);
  EXPECT_EQ(run_until_idle(alone).at(1).tokens, run_until_idle(busy).at(9).tokens);
}

TEST(Engine, VariesItsStepsByTheProfilesNoise) {
  EngineProfile profile = plain_profile();
  profile.step_noise = 0.05;
  profile.step.per_kv_token = Cost(0);
  Engine engine(profile, 3);
  engine.submit({.id = 1, .prompt_tokens = 10, .output_tokens = 4001}, kStart);
  const Outcome outcome = run_until_idle(engine).at(1);
  double sum = 0;
  double squares = 0;
  for (size_t i = 1; i < outcome.at.size(); ++i) {
    const double gap = to_ms(outcome.at[i] - outcome.at[i - 1]);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / 4000;
  EXPECT_NEAR(mean, 4.3, 4.3 * 0.05 * 5 / std::sqrt(4000.0));
  EXPECT_NEAR(std::sqrt(squares / 4000 - mean * mean) / mean, 0.05, 0.05 * 5 / std::sqrt(8000.0));
}

TEST(Engine, ComputesPromptsOnThePrefillPoolAndShipsThemOverTheLink) {
  EngineProfile profile = plain_profile();
  profile.step.per_kv_token = Cost(0);
  profile.prefill_pool = PrefillPool{.workers = 1,
                                     .base = milliseconds(1),
                                     .per_prefill_token = microseconds(10),
                                     .kv_bytes_per_token = 50'000,
                                     .link_gbps = 400,
                                     .link_latency = microseconds(50)};
  Engine engine(profile, 1);
  engine.submit({.id = 1, .prompt_tokens = 1000, .output_tokens = 3}, kStart);
  engine.submit({.id = 2, .prompt_tokens = 1000, .output_tokens = 1}, kStart);
  const auto outcomes = run_until_idle(engine);
  const Duration prefill = milliseconds(11);
  const Duration transfer = milliseconds(1) + microseconds(50);  // 400 Mbit at 400 Gbit/s
  EXPECT_EQ(outcomes.at(1).at[0] - kStart, prefill + transfer);
  EXPECT_EQ(outcomes.at(2).prefill_start - kStart, prefill) << "one worker, one prompt at a time";
  EXPECT_EQ(outcomes.at(2).at[0] - kStart, 2 * prefill + transfer);
  EXPECT_EQ(outcomes.at(1).at[1] - kStart, prefill + transfer + microseconds(4300));
  EXPECT_EQ(outcomes.at(1).at[2] - kStart, prefill + transfer + 2 * microseconds(4300));
}

TEST(ClosedLoop, HasTheKneeThatTheParametersImply) {
  EngineProfile profile = plain_profile();
  profile.step.per_kv_token = Cost(0);
  profile.max_batch_size = 64;
  double previous = 0;
  for (int streams : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
    const LoopResult result = run_closed_loop(profile, {.concurrency = streams,
                                                        .input_tokens = 100,
                                                        .output_tokens = 400,
                                                        .slot_gap = Duration(0)});
    const int batch = std::min(streams, 64);
    // A cycle of a full batch: all prompts in as few steps as the budget takes, then 399 decodes.
    const double cycle_ms = batch * 100 * 0.020 + 4 + 399 * (4 + 0.3 * batch);
    const double expected = batch * 400 / cycle_ms * 1000;
    EXPECT_NEAR(result.throughput_tps, expected, expected * 0.02) << streams << " streams";
    EXPECT_GT(result.throughput_tps, previous * 0.995) << streams << " streams";
    previous = result.throughput_tps;
  }
}

TEST(Engine, ObeysLittlesLawUnderRandomArrivals) {
  Engine engine(plain_profile(), 1);
  Random random(4);
  Instant arrival = kStart;
  Instant now = kStart;
  std::map<uint64_t, Instant> arrivals;
  std::vector<EngineEvent> events;
  double inside_time = 0;  // what the engine says, integrated
  double spent = 0;        // what the requests saw, summed
  uint64_t done = 0;
  const uint64_t requests = 2000;
  while (done < requests) {
    const auto next = engine.next();
    const bool arrives = arrivals.size() < requests && (!next || arrival <= *next);
    const Instant to = arrives ? arrival : *next;
    const EngineLoad load = engine.load();
    inside_time += to_seconds(to - now) * static_cast<double>(load.running + load.waiting);
    now = to;
    if (arrives) {
      const uint64_t id = arrivals.size() + 1;
      arrivals[id] = now;
      engine.submit({.id = id, .prompt_tokens = 200, .output_tokens = 50}, now);
      arrival += from_seconds(random.exponential() / 40);
      continue;
    }
    events.clear();
    engine.advance(now, events);
    for (const EngineEvent& event : events) {
      if (!event.last) continue;
      ++done;
      spent += to_seconds(event.at - arrivals.at(event.id));
    }
  }
  // L = λ·W over a span that begins and ends empty: L·T = Σ W exactly.
  EXPECT_NEAR(inside_time, spent, spent * 1e-9);
  EXPECT_GT(spent / static_cast<double>(requests), 0.3) << "requests did not share the engine";
}

}  // namespace
}  // namespace llmsweep

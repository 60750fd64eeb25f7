#include "sweep/client_health.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

RequestRecord request(Phase phase, Duration sent, Duration end) {
  RequestRecord record{.phase = phase};
  record.sent = from_ns(0) + sent;
  record.end = from_ns(0) + end;
  return record;
}

TEST(ClientHealth, OfNothingIsAllZero) {
  EXPECT_EQ(client_health({}, {}), ClientHealth{.threads = 0});
}

TEST(ClientHealth, TakesTheWorstThreadsBusyFractionAndAddsUpTheRest) {
  LoadOutcome outcome;
  outcome.transports.resize(2);
  outcome.transports[0] = {.receive_stamps = true,
                           .receive_delays = {1ms, 3ms},
                           .receive_delay_max = 4ms,
                           .receive_sampling = 1ms,
                           .busy = 10ms,
                           .waited = 90ms,
                           .iterations = 7};
  outcome.transports[1] = {.receive_stamps = true,
                           .receive_delays = {2ms},
                           .receive_delay_max = 2ms,
                           .receive_sampling = 2ms,
                           .busy = 40ms,
                           .waited = 60ms,
                           .iterations = 5};
  outcome.cpu = 1500ms;
  for (int i = 0; i < 99; ++i) outcome.iterations.add(1ms);
  outcome.iterations.add(50ms);
  const ClientHealth health = client_health(outcome, {});
  EXPECT_EQ(health.threads, 2);
  EXPECT_DOUBLE_EQ(health.busy_fraction, 0.4);
  EXPECT_DOUBLE_EQ(health.cpu_seconds, 1.5);
  EXPECT_EQ(health.iterations, 12);
  EXPECT_TRUE(health.receive_stamps);
  EXPECT_EQ(health.receive_samples, 3);
  EXPECT_DOUBLE_EQ(health.receive_delay_p50_ms, 2);
  EXPECT_NEAR(health.receive_delay_p99_ms, 2.98, 1e-9);
  EXPECT_DOUBLE_EQ(health.receive_delay_max_ms, 4);
  EXPECT_DOUBLE_EQ(health.receive_sampling_seconds, 0.003);
  EXPECT_NEAR(health.iteration_p50_ms, 1, 0.001);
  EXPECT_NEAR(health.iteration_max_ms, 50, 0.05);
}

TEST(ClientHealth, CountsTheMeasuredRequestsThatAStallOverlaps) {
  LoadOutcome outcome;
  outcome.records = {request(Phase::kMeasured, 0ms, 10ms), request(Phase::kMeasured, 10ms, 30ms),
                     request(Phase::kMeasured, 31ms, 40ms), request(Phase::kFiller, 0ms, 100ms),
                     request(Phase::kMeasured, 0ms, 100ms)};
  outcome.records.emplace_back();  // never sent
  const std::vector<Stall> stalls = {{from_ns(0) + 20ms, from_ns(0) + 30ms},
                                     {from_ns(0) + 60ms, from_ns(0) + 67ms}};
  const ClientHealth health = client_health(outcome, stalls);
  EXPECT_EQ(health.stalls, 2);
  EXPECT_DOUBLE_EQ(health.stall_max_ms, 10);
  EXPECT_EQ(health.stalled_requests, 2);
}

}  // namespace
}  // namespace llmsweep

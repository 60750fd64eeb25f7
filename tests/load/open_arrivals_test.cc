// The load loop with an open loop's schedule: arrivals at their instants, whatever is in flight.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "llmsweep/load/load_loop.h"
#include "llmsweep/schedule/schedule.h"
#include "load/fake_client.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

constexpr ArrivalSpec kEvenly{.process = ArrivalProcess::kConstant};

struct OpenBench {
  OpenBench(LoadSpec load, double rate, FakeClient::Script script)
      : client(clock, std::move(script)) {
    plan.run.point = at_rate(rate);
    plan.load = load;
    plan.schedule = make_schedule(load, plan.run.point);
    const PromptDemand demand = prompt_demand(plan.schedule);
    prompts.resize(demand.total(), Prompt{.text = "hi", .planned_output_tokens = 2});
    plan.prompts = prompts;
    plan.bodies.assign(demand.total(), std::make_shared<const std::string>("{}"));
    control.measured_left = demand.measured;
  }

  std::vector<RequestRecord> run(LoopShare share = {}) {
    share.start = start;
    LoopResult result =
        run_loop(plan, share, client, clock, control, [this](const RequestRecord& record) {
          if (on_record) on_record(record);
        });
    std::sort(result.records.begin(), result.records.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    return {result.records.begin(), result.records.end()};
  }

  ManualClock clock;
  Instant start = clock.now();
  FakeClient client;
  std::vector<Prompt> prompts;
  LoadPlan plan;
  LoadControl control;
  std::function<void(const RequestRecord&)> on_record;
};

FakeClient::Script answers(Duration ttft) {
  return [=](RequestId) { return good_answer(2, ttft, 1ms); };
}

size_t number_of(const std::vector<RequestRecord>& records, Phase phase, Outcome outcome) {
  return static_cast<size_t>(
      std::count_if(records.begin(), records.end(), [&](const RequestRecord& record) {
        return record.phase == phase && record.outcome == outcome;
      }));
}

TEST(OpenArrivals, AreSentAtTheirInstantsWhateverIsInFlight) {
  const LoadSpec load{.arrivals = kEvenly, .warmup = 1s, .measure = 2s, .drain = 10s};
  OpenBench bench(load, 10, answers(950ms));
  const auto records = bench.run();
  EXPECT_EQ(number_of(records, Phase::kWarmup, Outcome::kOk), 9u);  // the tenth is due at 1 s
  EXPECT_EQ(number_of(records, Phase::kMeasured, Outcome::kOk), 20u);
  EXPECT_EQ(bench.client.most_in_flight, 10u);
  std::set<uint32_t> slots;
  for (const RequestRecord& record : records) {
    const Duration at = bench.plan.schedule.arrivals[record.index].at;
    EXPECT_EQ(record.scheduled, bench.start + at);
    EXPECT_EQ(record.sent, record.scheduled);
    EXPECT_FALSE(record.reconnected);
    slots.insert(record.slot);
  }
  EXPECT_EQ(slots.size(), 10u) << "a slot that is free again is taken again";
  EXPECT_EQ(*slots.rbegin(), 9u);
  EXPECT_EQ(bench.control.overload, Overload::kNone);
}

TEST(OpenArrivals, GoOnUntilTheLastMeasuredRequestHasEnded) {
  const LoadSpec load{.arrivals = kEvenly, .warmup = 0s, .measure = 1s, .drain = 60s};
  OpenBench bench(load, 10, [](RequestId id) { return good_answer(2, id == 3 ? 5s : 50ms, 1ms); });
  SpareFillers spare;
  bench.plan.spare_fillers = &spare;
  const auto made = std::make_shared<const SpareRequest>(SpareRequest{
      .prompt = {.planned_output_tokens = 7}, .body = std::make_shared<const std::string>("{}")});
  spare.add(std::vector<SpareFillers::Request>(100, made));
  const auto records = bench.run();
  const Instant last_measured = *records[3].end;
  Instant last_sent{};
  int64_t spares = 0;
  for (const RequestRecord& record : records) {
    last_sent = std::max(last_sent, *record.sent);
    spares += record.planned_output_tokens == 7 ? 1 : 0;
  }
  EXPECT_GT(last_sent, last_measured - 110ms);
  EXPECT_LE(last_sent, last_measured);
  EXPECT_GT(spares, 30) << "those of the plan do not reach so far";
  EXPECT_EQ(number_of(records, Phase::kMeasured, Outcome::kOk), 9u);
}

TEST(OpenArrivals, AreAllSentAfterAStallOfTheClientLateAndNeverReanchored) {
  const LoadSpec load{.arrivals = kEvenly, .warmup = 0s, .measure = 10s, .drain = 60s};
  OpenBench bench(load, 20, answers(20ms));
  bool stalled = false;
  bench.on_record = [&](const RequestRecord& record) {
    if (stalled || record.index < 50) return;
    stalled = true;
    bench.clock.advance(2s);
  };
  const auto records = bench.run();
  EXPECT_EQ(number_of(records, Phase::kMeasured, Outcome::kOk), 199u) << "none is lost";
  Duration latest{};
  int64_t late = 0;
  for (const RequestRecord& record : records) {
    EXPECT_EQ(record.scheduled, bench.start + bench.plan.schedule.arrivals[record.index].at);
    latest = std::max(latest, *record.sent - record.scheduled);
    late += *record.sent - record.scheduled > 1ms ? 1 : 0;
  }
  EXPECT_GT(latest, 1900ms);
  EXPECT_GE(late, 38);
  EXPECT_LE(late, 42) << "those of 2 s, and no others";
}

TEST(OpenArrivals, EndTheRunAsOverloadedWhereTooManyAreInFlight) {
  const LoadSpec load{
      .arrivals = kEvenly, .warmup = 0s, .measure = 100s, .drain = 60s, .max_in_flight = 25};
  OpenBench bench(load, 10, answers(1h));
  const auto records = bench.run();
  EXPECT_EQ(bench.control.overload, Overload::kMaxInFlight);
  EXPECT_FALSE(bench.control.gave_up);
  EXPECT_EQ(records.size(), 25u);
  EXPECT_EQ(number_of(records, Phase::kMeasured, Outcome::kCancelled), 25u);
  EXPECT_EQ(records[0].error, "load.max_in_flight was reached: the level is overloaded");
  EXPECT_LT(bench.clock.now(), bench.start + 3s);
}

TEST(OpenArrivals, EndTheRunAsOverloadedWhereTheDrainIsOver) {
  const LoadSpec load{.arrivals = kEvenly, .warmup = 0s, .measure = 1s, .drain = 2s};
  OpenBench bench(load, 10, answers(4s));
  const auto records = bench.run();
  EXPECT_EQ(bench.control.overload, Overload::kDrain);
  EXPECT_EQ(number_of(records, Phase::kMeasured, Outcome::kCancelled), 9u);
  EXPECT_NEAR(to_seconds(bench.clock.now() - bench.start), 3, 0.06);
}

TEST(OpenArrivals, AreSharedByTheLoopsInTurn) {
  const LoadSpec load{.arrivals = kEvenly, .warmup = 0s, .measure = 1s, .drain = 1s};
  OpenBench bench(load, 10, answers(350ms));
  bench.plan.endpoints = 3;
  const auto records = bench.run({.loop = 1, .loops = 2});
  for (const RequestRecord& record : records) {
    EXPECT_EQ(record.index % 2, 1u);
    EXPECT_EQ(record.slot % 2, 1u);
    EXPECT_EQ(record.url, record.index % 3);
  }
  EXPECT_EQ(bench.client.most_in_flight, 2u);
}

TEST(OpenArrivals, OfSeveralClientsAreThoseOfOne) {
  const LoadSpec load{.warmup = 1s, .measure = 2s, .drain = 10s};
  std::multiset<std::pair<uint32_t, Duration>> one, all;
  OpenBench whole(load, 20, answers(95ms));
  for (const RequestRecord& record : whole.run()) {
    if (record.phase != Phase::kFiller) one.emplace(record.index, record.scheduled - whole.start);
  }
  ASSERT_GT(one.size(), 30u);
  std::set<uint32_t> slots;
  for (uint32_t rank = 0; rank < 3; ++rank) {
    OpenBench bench(load, 20, answers(95ms));
    bench.plan.part = {rank, 3};
    bench.control.measured_left = prompt_demand(bench.plan.schedule, bench.plan.part).measured;
    std::set<uint32_t> own;
    for (const RequestRecord& record : bench.run({.part = bench.plan.part})) {
      if (record.phase != Phase::kFiller) all.emplace(record.index, record.scheduled - bench.start);
      own.insert(record.slot);
    }
    for (const uint32_t slot : own) EXPECT_TRUE(slots.insert(slot).second) << "of two clients";
  }
  EXPECT_EQ(all, one);
}

}  // namespace
}  // namespace llmsweep

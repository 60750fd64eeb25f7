#include "llmsweep/schedule/schedule.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace llmsweep {
namespace {

TEST(MakeSchedule, ChainsEachSlotAndUsesEveryPromptOnce) {
  const LoadSpec load{.requests_per_slot = 3, .warmup_per_slot = 2};
  const Schedule schedule = make_schedule(load, at_concurrency(4));
  ASSERT_EQ(schedule.arrivals.size(), 20u);
  std::set<uint32_t> prompts(schedule.filler_prompts.begin(), schedule.filler_prompts.end());
  for (uint32_t i = 0; i < schedule.arrivals.size(); ++i) {
    const Arrival& arrival = schedule.arrivals[i];
    prompts.insert(arrival.prompt);
    EXPECT_EQ(arrival.phase, i < 8 ? Phase::kWarmup : Phase::kMeasured);
    if (i < 4) {
      EXPECT_EQ(arrival.after, kNoArrival);
    } else {
      EXPECT_EQ(schedule.arrivals[arrival.after].slot, arrival.slot);
      EXPECT_LT(arrival.after, i);
    }
  }
  EXPECT_EQ(prompts.size(), prompt_demand(load, at_concurrency(4)).total());
}

TEST(MakeSchedule, OpensManyConnectionsAtABoundedRate) {
  using std::chrono::milliseconds;
  const Schedule schedule =
      make_schedule({.requests_per_slot = 1, .warmup_per_slot = 1}, at_concurrency(10'000));
  for (const uint32_t slot : {0u, 64u, 255u}) EXPECT_EQ(schedule.arrivals[slot].at.count(), 0);
  EXPECT_EQ(schedule.arrivals[256 + 2000].at, milliseconds(1000));
  EXPECT_EQ(schedule.arrivals[9999].at, milliseconds(4871) + std::chrono::microseconds(500));
  EXPECT_EQ(schedule.arrivals[10'000].at.count(), 0);  // waits for its slot alone
}

TEST(MakeSchedule, SpreadsTheFirstStartsByTheSeed) {
  using std::chrono::seconds;
  const LoadSpec load{.requests_per_slot = 1, .spread_starts = seconds(8)};
  const Schedule schedule = make_schedule(load, at_concurrency(4), 7);
  for (int slot = 0; slot < 4; ++slot) {
    EXPECT_GE(schedule.arrivals[slot].at, 2 * slot * seconds(1));
    EXPECT_LT(schedule.arrivals[slot].at, 2 * (slot + 1) * seconds(1));
  }
  EXPECT_EQ(schedule.arrivals[4].at.count(), 0) << "the next ones wait for their slot alone";
  EXPECT_EQ(make_schedule(load, at_concurrency(4), 7).arrivals, schedule.arrivals);
  EXPECT_NE(make_schedule(load, at_concurrency(4), 8).arrivals, schedule.arrivals);
  EXPECT_EQ(shortest_run(load, at_concurrency(4), seconds(5)), seconds(6 + 2 * 5));
}

TEST(MakeSchedule, RaisesTheRequestsOfAFewSlotsToTheMinimum) {
  const LoadSpec load{.requests_per_slot = 2, .min_requests = 7};
  EXPECT_EQ(prompt_demand(load, at_concurrency(1)).measured, 7u);
  EXPECT_EQ(prompt_demand(load, at_concurrency(2)).measured, 8u);
  EXPECT_EQ(prompt_demand(load, at_concurrency(64)).measured, 128u);
}

TEST(MakeSchedule, NeedsAConnectionAndAllOfItsRequestsTimeForEachSlot) {
  using std::chrono::seconds;
  const LoadSpec load{.requests_per_slot = 2, .min_requests = 7, .warmup_per_slot = 3};
  EXPECT_EQ(most_in_flight(load, at_concurrency(2)), 2);
  EXPECT_EQ(shortest_run(load, at_concurrency(2), seconds(5)), (3 + 4) * seconds(5));
  EXPECT_EQ(shortest_run(load, at_concurrency(64), seconds(5)), (3 + 2) * seconds(5));
}

TEST(LoadPoints, AreTheLevelsOfTheSpecInItsOrder) {
  EXPECT_EQ(load_points({.rate = {2.5, 1}}), (std::vector{at_rate(2.5), at_rate(1)}));
  EXPECT_EQ(load_points({.concurrency = {8, 1}}),
            (std::vector{at_concurrency(8), at_concurrency(1)}));
  EXPECT_TRUE(load_points({}).empty());
}

TEST(MakeSchedule, HasNoFillersWhereTheSpecSaysSo) {
  EXPECT_TRUE(make_schedule({.fillers = false}, at_concurrency(8)).filler_prompts.empty());
  EXPECT_EQ(prompt_demand({.fillers = false}, at_concurrency(8)).filler, 0u);
}

TEST(MakeSchedule, OfADurationPlansOneMeasuredRequestASlotAndPromptsToBeginWith) {
  const LoadSpec load{.duration = std::chrono::seconds(60), .warmup_per_slot = 2};
  const Schedule schedule = make_schedule(load, at_concurrency(3));
  EXPECT_EQ(schedule.measure_for, load.duration);
  EXPECT_EQ(schedule.arrivals.size(), 3 * (2 + 1u));
  EXPECT_EQ(schedule.filler_prompts.size(), 3 * 8u);
  const auto second = std::chrono::seconds(1);
  EXPECT_EQ(shortest_run(load, at_concurrency(3), second), Duration(62 * second));
  EXPECT_EQ(shortest_run(load, at_concurrency(3), 90 * second), Duration(270 * second));
  EXPECT_FALSE(make_schedule({}, at_concurrency(3)).measure_for);
}

TEST(OwnPrompts, OfAllClientsAreEachPromptOnce) {
  const LoadSpec load{.requests_per_slot = 3, .warmup_per_slot = 2};
  for (const LoadPoint point : {at_concurrency(5), at_rate(2)}) {
    const Schedule schedule = make_schedule(load, point);
    const PromptDemand demand = prompt_demand(schedule);
    std::vector<int> owners(demand.total());
    uint32_t measured = 0;
    for (uint32_t rank = 0; rank < 3; ++rank) {
      const std::vector<bool> own = own_prompts(schedule, {rank, 3});
      ASSERT_EQ(own.size(), owners.size());
      for (size_t i = 0; i < own.size(); ++i) owners[i] += own[i] ? 1 : 0;
      measured += prompt_demand(schedule, {rank, 3}).measured;
    }
    for (const int count : owners) EXPECT_EQ(count, 1);
    EXPECT_EQ(measured, demand.measured);
  }
}

}  // namespace
}  // namespace llmsweep

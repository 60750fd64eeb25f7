// Clients that share a load: together they send what one sends, and each keeps its slots busy for
// the others.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "llmsweep/load/load_loop.h"
#include "llmsweep/schedule/schedule.h"
#include "load/fake_client.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

constexpr int kSlots = 5;

// One client's part of a closed loop, whose prompt i is planned to have i + 1 tokens; those of
// others are not there.
struct ClientOfSeveral {
  explicit ClientOfSeveral(Part part) : part_of_this(part) {
    const LoadSpec load{.requests_per_slot = 3, .warmup_per_slot = 1};
    plan.run.point = at_concurrency(kSlots);
    plan.schedule = make_schedule(load, plan.run.point);
    const std::vector<bool> own = own_prompts(plan.schedule, part);
    for (size_t i = 0; i < own.size(); ++i) {
      prompts.push_back({.planned_input_tokens = static_cast<int64_t>(i) + 1});
      plan.bodies.push_back(own[i] ? std::make_shared<const std::string>("{}") : nullptr);
    }
    plan.prompts = prompts;
    plan.load = load;
    plan.part = part;
    control.measured_left = prompt_demand(plan.schedule, part).measured;
  }

  // By as many loops, one after the other: each knows its own slots only.
  std::vector<RequestRecord> run(uint32_t loops = 1) {
    std::vector<RequestRecord> records;
    for (uint32_t loop = 0; loop < loops; ++loop) {
      // Slower and slower, so that slots and clients are out of step.
      FakeClient client(
          clock, [](RequestId id) { return good_answer(2, (10 + 7 * (id % 3)) * 1ms, 1ms); });
      const LoopShare share{
          .loop = loop, .loops = loops, .start = clock.now(), .part = part_of_this};
      const LoopResult result =
          run_loop(plan, share, client, clock, control, [this](const RequestRecord&) {
            if (hold_until && clock.now() >= *hold_until) control.hold_for_others = false;
          });
      records.insert(records.end(), result.records.begin(), result.records.end());
    }
    return records;
  }

  Part part_of_this;
  ManualClock clock;
  std::vector<Prompt> prompts;
  LoadPlan plan;
  LoadControl control;
  std::optional<Instant> hold_until;
};

using Sent = std::tuple<uint32_t, uint32_t, int64_t>;  // slot, index, tokens of its prompt

Sent sent(const RequestRecord& record) {
  return {record.slot, record.index, record.planned_input_tokens};
}

TEST(Parts, TogetherSendWhatOneClientSends) {
  std::set<Sent> one;
  for (const RequestRecord& record : ClientOfSeveral({}).run()) {
    if (record.phase != Phase::kFiller) one.insert(sent(record));
  }
  ASSERT_EQ(one.size(), 4u * kSlots);
  for (const uint32_t clients : {2u, 3u}) {
    for (const uint32_t loops : {1u, 2u}) {
      std::multiset<Sent> all;
      for (uint32_t rank = 0; rank < clients; ++rank) {
        for (const RequestRecord& record : ClientOfSeveral({rank, clients}).run(loops)) {
          EXPECT_EQ(record.slot % clients, rank);
          if (record.phase != Phase::kFiller) all.insert(sent(record));
        }
      }
      EXPECT_EQ(all, std::multiset<Sent>(one.begin(), one.end()))
          << clients << " clients of " << loops << " loops";
    }
  }
}

TEST(Parts, SendTheFillersThatOneClientsSlotsWouldSend) {
  std::map<uint32_t, Sent> one;
  for (const RequestRecord& record : ClientOfSeveral({}).run()) one[record.index] = sent(record);
  int compared = 0;
  std::set<uint32_t> indices;
  for (uint32_t rank = 0; rank < 3; ++rank) {
    ClientOfSeveral client({rank, 3});
    client.control.hold_for_others = true;
    client.hold_until = client.clock.now() + 200ms;
    for (const RequestRecord& record : client.run()) {
      EXPECT_TRUE(indices.insert(record.index).second) << "sent twice: " << record.index;
      const auto there = one.find(record.index);
      if (there == one.end()) continue;  // one client needed fewer
      EXPECT_EQ(sent(record), there->second);
      compared += record.phase == Phase::kFiller ? 1 : 0;
    }
  }
  EXPECT_GT(compared, 0);
}

TEST(Parts, KeepTheirSlotsBusyForTheOthers) {
  ClientOfSeveral client({1, 3});
  client.control.hold_for_others = true;
  client.hold_until = client.clock.now() + 250ms;
  SpareFillers spare;
  std::vector<SpareFillers::Request> made;
  for (int i = 0; i < 50; ++i) {
    made.push_back(std::make_shared<const SpareRequest>(
        SpareRequest{.prompt = {}, .body = std::make_shared<const std::string>("{}")}));
  }
  spare.add(std::move(made));
  client.plan.spare_fillers = &spare;
  const Instant begin = client.clock.now();
  std::map<uint32_t, Duration> busy;
  std::set<uint32_t> indices;
  for (const RequestRecord& record : client.run()) {
    busy[record.slot] += *record.end - *record.sent;
    EXPECT_TRUE(indices.insert(record.index).second);
  }
  ASSERT_EQ(busy.size(), 2u) << "slots 1 and 4 of five";
  for (const auto& [slot, time] : busy) {
    EXPECT_GE(time, 250ms) << "slot " << slot;
    EXPECT_LE(time, client.clock.now() - begin);
  }
  EXPECT_EQ(client.control.measured_left, 0);
}

TEST(Parts, AClientWithoutASlotSendsNothing) {
  EXPECT_TRUE(ClientOfSeveral({7, 9}).run().empty());
}

}  // namespace
}  // namespace llmsweep

// The load loop with users: sessions turn after turn, with time to think between them.
#include "load/user_slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "llmsweep/load/load_loop.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/schedule/schedule.h"
#include "load/fake_client.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

std::shared_ptr<UserSession> session_of(uint32_t id, int turns, Duration think) {
  auto session = std::make_shared<UserSession>();
  session->id = id;
  session->turns.resize(static_cast<size_t>(turns));
  for (UserTurn& turn : session->turns) {
    turn = {.planned_output_tokens = 10,
            .think = think,
            .body = std::make_shared<const std::string>("{}")};
  }
  return session;
}

struct UsersBench {
  UsersBench(const LoadSpec& load, uint32_t users, int turns, Duration think,
             FakeClient::Script script)
      : client(clock, std::move(script)) {
    plan.run.point = with_users(static_cast<int>(users));
    plan.load = load;
    std::vector<UserStart> starts(users);
    plan.schedule = make_users_schedule(load, starts);
    for (uint32_t user = 0; user < users; ++user) {
      plan.first_sessions.push_back(session_of(user, turns, think));
    }
    std::vector<SpareFillers::Request> made;
    for (uint32_t i = 0; i < 2000; ++i) {
      made.push_back(std::make_shared<const SpareRequest>(
          SpareRequest{.session = session_of(users + i, turns, think)}));
    }
    spare.add(std::move(made));
    plan.spare_fillers = &spare;
    control.measured_left = prompt_demand(plan.schedule).measured + 1;
  }

  std::vector<RequestRecord> run(LoopShare share = {}) {
    share.start = start;
    LoopResult result = run_loop(plan, share, client, clock, control, [](const RequestRecord&) {});
    std::sort(result.records.begin(), result.records.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    return {result.records.begin(), result.records.end()};
  }

  ManualClock clock;
  Instant start = clock.now();
  FakeClient client;
  SpareFillers spare;
  LoadPlan plan;
  LoadControl control;
};

FakeClient::Script answers_of(Duration ttft) {
  return [=](RequestId) { return good_answer(3, ttft, 10ms); };
}

using OfSlots = std::map<uint32_t, std::vector<RequestRecord>>;
OfSlots by_slot(const std::vector<RequestRecord>& records) {
  OfSlots slots;
  for (const RequestRecord& record : records) slots[record.slot].push_back(record);
  return slots;
}

TEST(Users, ThinkFromTheEndOfAnAnswerAndGoThroughTheirSessions) {
  UsersBench bench({.warmup = 0s, .measure = 10s}, 3, 4, 700ms,
                   [](RequestId id) { return good_answer(3, 50ms + id % 7 * 10ms, 10ms); });
  const auto records = bench.run();
  std::set<uint32_t> sessions;
  for (const auto& [slot, turns] : by_slot(records)) {
    ASSERT_GT(turns.size(), 10u);
    for (size_t i = 0; i < turns.size(); ++i) {
      const RequestRecord& turn = turns[i];
      EXPECT_EQ(turn.turns_planned, 4u);
      EXPECT_EQ(turn.turn, i % 4 + 1);
      if (i % 4 == 0) {
        EXPECT_TRUE(sessions.insert(*turn.session).second) << "one user's alone";
      }
      EXPECT_EQ(turn.think, Duration(700ms));
      if (i == 0) continue;
      EXPECT_EQ(turn.scheduled, *turns[i - 1].end + 700ms);
      EXPECT_EQ(turn.sent, turn.scheduled);
      EXPECT_FALSE(turn.reconnected);
      if (i % 4 != 0) {
        EXPECT_EQ(turn.session, turns[i - 1].session);
      }
    }
  }
}

TEST(Users, AreMeasuredByWhatIsDueInTheWindowAndGoOnUntilTheLastOfItHasEnded) {
  UsersBench bench({.warmup = 2s, .measure = 5s}, 4, 3, 300ms,
                   [](RequestId id) { return good_answer(2, id == 40 ? 4s : 100ms, 1ms); });
  const auto records = bench.run();
  Instant last_measured{};
  Instant last_sent{};
  int fillers = 0;
  for (const RequestRecord& record : records) {
    const Duration at = record.scheduled - bench.start;
    const Phase phase = at < 2s ? Phase::kWarmup : at < 7s ? Phase::kMeasured : Phase::kFiller;
    EXPECT_EQ(record.phase, phase);
    last_sent = std::max(last_sent, *record.sent);
    if (phase == Phase::kMeasured) last_measured = std::max(last_measured, *record.end);
    fillers += phase == Phase::kFiller ? 1 : 0;
  }
  EXPECT_GT(last_measured, bench.start + 7s);
  EXPECT_LE(last_sent, last_measured);
  EXPECT_GT(fillers, 0);
  EXPECT_EQ(bench.control.measured_left, 0);
}

TEST(Users, EndASessionWhoseTurnFailsAndBeginAnother) {
  UsersBench bench({.warmup = 0s, .measure = 3s}, 1, 5, 100ms, [](RequestId id) {
    if (id != 2) return good_answer(2, 50ms, 1ms);
    return std::vector<ScriptedEvent>{
        {.delay = Duration(0), .kind = HttpEvent::Kind::kSent},
        {.delay = 5ms, .kind = HttpEvent::Kind::kFailure, .text = "reset"}};
  });
  const auto records = bench.run();
  EXPECT_EQ(records[2].outcome, Outcome::kTransportError);
  EXPECT_EQ(records[2].turn, 3u);
  EXPECT_EQ(records[3].turn, 1u);
  EXPECT_NE(records[3].session, records[2].session);
  EXPECT_EQ(records[3].scheduled, *records[2].end + 100ms) << "who waits for nothing thinks too";
  for (const RequestRecord& record : records) {
    if (record.session == records[2].session)
      EXPECT_LE(record.turn, 3u) << "nothing is passed over";
  }
}

TEST(Users, GoOnWhenTheyWereToWhoBeganToThinkBeforeTheRun) {
  UsersBench bench({.warmup = 1s, .measure = 5s}, 2, 4, 600ms, answers_of(100ms));
  bench.plan.first_sessions[0]->second_at = 2300ms;
  bench.plan.first_sessions[1]->second_at = 10ms;  // which is over before the answer is there
  const auto slots = by_slot(bench.run());
  EXPECT_EQ(slots.at(0)[1].scheduled, bench.start + 2300ms);
  EXPECT_EQ(slots.at(1)[1].scheduled, *slots.at(1)[0].end);
  for (const auto& [slot, turns] : slots) {
    EXPECT_EQ(turns[1].turn, 2u);
    EXPECT_EQ(turns[2].scheduled, *turns[1].end + 600ms);
  }
}

TEST(Users, SayInAHeaderWhichSessionARequestIsOf) {
  UsersBench bench({.warmup = 0s, .measure = 1s}, 2, 2, 50ms, answers_of(50ms));
  bench.plan.run = {with_users(2), 3};
  bench.plan.session_header = "X-Session-Id";
  bench.plan.trace_seed = 5;
  std::map<uint64_t, std::string> headers;
  const auto records = bench.run();
  for (size_t i = 0; i < bench.client.started.size(); ++i) {
    headers[bench.client.started[i]] = bench.client.headers[i];
  }
  for (const RequestRecord& record : records) {
    const std::string& sent = headers[record.index];
    EXPECT_TRUE(sent.ends_with("\nX-Session-Id: u2.3." + std::to_string(*record.session))) << sent;
    EXPECT_TRUE(sent.starts_with("traceparent: ")) << sent;
  }
}

TEST(Users, WaitForASessionThatIsMadeMeanwhile) {
  UsersBench bench({.warmup = 0s, .measure = 1s}, 2, 1, 0ms, answers_of(50ms));
  SpareFillers none;
  bench.plan.spare_fillers = &none;
  int made = 0;
  bench.client.poll_takes = 1ms;
  const RecordSink make = [&](const RequestRecord&) {
    if (++made > 2) return;
    none.add({std::make_shared<const SpareRequest>(
        SpareRequest{.session = session_of(100 + static_cast<uint32_t>(made), 2, 0ms)})});
  };
  const LoopResult result =
      run_loop(bench.plan, {.start = bench.start}, bench.client, bench.clock, bench.control, make);
  EXPECT_EQ(result.records.size(), 6u);
}

TEST(Users, AThousandWhoThinkTwentySecondsTakeFewPolls) {
  UsersBench bench({.warmup = 0s, .measure = 100s}, 1000, 4, 20s, answers_of(500ms));
  const auto records = bench.run();
  EXPECT_GT(records.size(), 4000u);
  // Each request is an event or two and a wake; what is more would be a loop that waits for
  // nothing.
  EXPECT_LT(bench.client.polls, 8 * records.size() + 100 * 20);
}

TEST(Users, OfSeveralLoopsHaveTheirOwnSlots) {
  std::set<uint32_t> indices;
  for (uint32_t loop = 0; loop < 2; ++loop) {
    UsersBench bench({.warmup = 0s, .measure = 1s}, 5, 3, 20ms, answers_of(20ms));
    for (const RequestRecord& record : bench.run({.loop = loop, .loops = 2})) {
      EXPECT_EQ(record.slot % 2, loop);
    }
  }
}

// X(R + Z) = U, in a window no longer than one or two times to think.
TEST(Users, AreAsManyAsLittlesLawSays) {
  WorkloadSpec workload;
  workload.sessions = {.turns = {.kind = TokenCount::Kind::kUniform, .min = 1, .max = 8},
                       .first_input_tokens = {.fixed = 10},
                       .think = {.kind = DrawnTime::Kind::kLogNormal, .mean = 20s, .cv = 1}};
  workload.input_tokens = workload.sessions.first_input_tokens;
  constexpr uint32_t kUsers = 300;
  const LoadSpec load{.warmup = 25s, .measure = 30s};
  double users = 0;
  constexpr int kSeeds = 20;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    UsersBench bench(load, kUsers, 1, 0s, answers_of(480ms));
    const auto starts =
        user_starts(workload, kUsers, {.service = 500ms, .warmup = load.warmup}, seed);
    const auto with_plan = [](uint32_t id, const SessionPlan& plan) {
      auto session = session_of(id, static_cast<int>(plan.turns.size()), 0s);
      for (size_t i = 0; i < plan.turns.size(); ++i) session->turns[i].think = plan.turns[i].think;
      return session;
    };
    bench.plan.schedule = make_users_schedule(load, starts);
    bench.plan.first_sessions.clear();
    for (uint32_t user = 0; user < kUsers; ++user) {
      bench.plan.first_sessions.push_back(with_plan(user, starts[user].session));
      bench.plan.first_sessions.back()->first_turn = starts[user].first_turn;
      bench.plan.first_sessions.back()->second_at = starts[user].second_at;
    }
    SpareFillers spare;
    const SessionDraw draw(workload, seed);
    for (uint32_t i = 0; i < 600; ++i) {
      spare.add({std::make_shared<const SpareRequest>(
          SpareRequest{.session = with_plan(kUsers + i, draw.plan(kFirstNewSession + i))})});
    }
    bench.plan.spare_fillers = &spare;
    bench.control.measured_left = prompt_demand(bench.plan.schedule).measured + 1;
    double cycles_s = 0;
    for (const RequestRecord& record : bench.run()) {
      if (record.phase != Phase::kMeasured) continue;
      cycles_s += to_seconds(*record.think + (*record.end - record.scheduled));
    }
    users += cycles_s / 30;
  }
  EXPECT_NEAR(users / kSeeds / kUsers, 1, 0.02);
}

// Users whose sessions have one turn, and who do not think, are a closed loop that measures for a
// time.
TEST(Users, WithoutThoughtAreTheClosedLoopByteForByte) {
  const FakeClient::Script script = [](RequestId id) {
    if (id % 11 == 3) {
      return std::vector<ScriptedEvent>{
          {.delay = Duration(0), .kind = HttpEvent::Kind::kSent},
          {.delay = 7ms + id * 1us, .kind = HttpEvent::Kind::kFailure, .text = "reset"}};
    }
    return good_answer(3, 20ms + id % 5 * 3ms + id * 1us, 10ms);
  };
  LoadSpec load{.warmup = 0s, .measure = 2s};
  UsersBench users(load, 6, 1, 0ms, script);
  const auto of_users = users.run();

  load.duration = 2s;
  load.warmup_per_slot = 0;
  LoadPlan plan{.run = {at_concurrency(6), 0}, .load = load};
  plan.schedule = make_schedule(load, at_concurrency(6));
  plan.schedule.filler_prompts.clear();  // of each slot its own: all are taken as users take theirs
  const std::vector<Prompt> prompts(prompt_demand(load, at_concurrency(6)).total(),
                                    Prompt{.planned_output_tokens = 10});
  plan.prompts = prompts;
  plan.bodies.assign(prompts.size(), std::make_shared<const std::string>("{}"));
  SpareFillers spare;
  spare.add(std::vector<SpareFillers::Request>(
      2000, std::make_shared<const SpareRequest>(
                SpareRequest{.prompt = prompts.front(), .body = plan.bodies.front()})));
  plan.spare_fillers = &spare;
  ManualClock clock;
  FakeClient client(clock, script);
  LoadControl control;
  control.measured_left = 6 + 1;
  LoopResult closed =
      run_loop(plan, {.start = clock.now()}, client, clock, control, [](const RequestRecord&) {});
  std::sort(closed.records.begin(), closed.records.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });

  ASSERT_EQ(of_users.size(), closed.records.size());
  EXPECT_GT(of_users.size(), 200u);
  for (size_t i = 0; i < of_users.size(); ++i) {
    RequestRecord record = of_users[i];
    EXPECT_EQ(record.turn, 1u);
    record.run.point = at_concurrency(6);
    record.session = record.turn = record.turns_planned = std::nullopt;
    record.think.reset();
    EXPECT_EQ(record_to_jsonl(record), record_to_jsonl(closed.records[i]));
  }
}

}  // namespace
}  // namespace llmsweep

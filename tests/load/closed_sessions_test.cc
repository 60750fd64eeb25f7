// The load loop with a trace whose sessions are closed: each turn after the answer before it and
// the time to think, on the way of an open loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "llmsweep/load/load_loop.h"
#include "llmsweep/schedule/schedule.h"
#include "load/fake_client.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

// `sessions` of three turns, one a second from 0 s on, with 200 ms to think.
std::shared_ptr<const ReplayTrace> three_turns(int sessions) {
  auto replay = std::make_shared<ReplayTrace>();
  for (int i = 0; i < sessions; ++i) {
    for (int turn = 0; turn < 3; ++turn) {
      replay->trace.requests.push_back({.at = i * 1s + turn * 300ms,
                                        .session = static_cast<uint64_t>(i) + 1,
                                        .input_tokens = 10,
                                        .output_tokens = 2,
                                        .think = turn == 0 ? Duration(0) : Duration(200ms)});
    }
  }
  replay->trace.has_sessions = true;
  replay->span = sessions * 1s;
  replay->think_source = ThinkSource::kTold;
  return replay;
}

struct ClosedBench {
  ClosedBench(LoadSpec load, int sessions, FakeClient::Script script)
      : client(clock, std::move(script)) {
    load.trace.file = "t";
    load.trace.replay = three_turns(sessions);
    plan.run.point = of_trace(1);
    plan.load = load;
    plan.schedule = make_schedule(load, plan.run.point);
    const PromptDemand demand = prompt_demand(plan.schedule);
    for (uint32_t i = 0; i < demand.total(); ++i) {
      prompts.push_back({.text = "hi", .planned_output_tokens = 2});
    }
    plan.prompts = prompts;
    plan.bodies.assign(demand.total(), std::make_shared<const std::string>("{}"));
    plan.spare_fillers = &spare;
    const auto known = [](const Arrival& arrival) {
      return arrival.phase == Phase::kMeasured && arrival.after == kNoArrival;
    };
    control.measured_left =
        1 + std::count_if(plan.schedule.arrivals.begin(), plan.schedule.arrivals.end(), known);
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
  std::vector<Prompt> prompts;
  SpareFillers spare;
  LoadPlan plan;
  LoadControl control;
};

using TurnsOfSessions = std::map<uint32_t, std::vector<RequestRecord>>;

TurnsOfSessions by_session(const std::vector<RequestRecord>& records) {
  TurnsOfSessions sessions;
  for (const RequestRecord& record : records) sessions[*record.session].push_back(record);
  for (auto& [session, turns] : sessions) {
    std::sort(turns.begin(), turns.end(),
              [](const auto& a, const auto& b) { return a.turn < b.turn; });
  }
  return sessions;
}

FakeClient::Script answers_in(Duration first_token) {
  return [=](RequestId) { return good_answer(2, first_token, 1ms); };
}

TEST(ClosedSessions, SendATurnWhenTheAnswerBeforeHasEndedAndTheTimeToThinkIsOver) {
  ClosedBench bench({.warmup = 2s, .measure = 6s, .drain = 10s}, 20, answers_in(500ms));
  const TurnsOfSessions sessions = by_session(bench.run());
  ASSERT_GE(sessions.size(), 8u);
  for (const auto& [session, turns] : sessions) {
    EXPECT_EQ(turns[0].scheduled, bench.start + session * 1s) << "at its instant";
    EXPECT_FALSE(turns[0].think);
    for (size_t i = 0; i < turns.size(); ++i) {
      EXPECT_EQ(turns[i].turn, i + 1);
      EXPECT_EQ(turns[i].turns_planned, 3u);
      EXPECT_EQ(turns[i].sent, turns[i].scheduled);
      const Duration at = turns[i].scheduled - bench.start;
      EXPECT_EQ(turns[i].phase, at < 2s   ? Phase::kWarmup
                                : at < 8s ? Phase::kMeasured
                                          : Phase::kFiller)
          << "as it is due, not as it was recorded";
      if (i == 0) continue;
      EXPECT_EQ(turns[i].think, Duration(200ms));
      EXPECT_EQ(turns[i].scheduled, *turns[i - 1].end + 200ms);
    }
  }
  EXPECT_EQ(bench.control.overload, Overload::kNone);
  EXPECT_EQ(bench.control.measured_left, 0);
  // A session takes 1.9 s, and one begins each second.
  EXPECT_EQ(bench.client.most_in_flight, 2u);
}

TEST(ClosedSessions, EndWithATurnThatFails) {
  ClosedBench bench({.warmup = 0s, .measure = 6s, .drain = 10s}, 20, [](RequestId id) {
    return id == 3 ? std::vector<ScriptedEvent>{{.delay = 100ms,
                                                 .kind = HttpEvent::Kind::kFailure,
                                                 .text = "reset"}}
                   : good_answer(2, 100ms, 1ms);
  });
  const uint32_t failed = bench.plan.schedule.rows[3].session;
  const uint32_t turn = bench.plan.schedule.rows[3].turn;
  ASSERT_LT(turn, 3u);
  const TurnsOfSessions sessions = by_session(bench.run());
  EXPECT_EQ(sessions.at(failed).size(), turn) << "nothing after it is sent";
  EXPECT_EQ(sessions.at(failed).back().outcome, Outcome::kTransportError);
  EXPECT_EQ(sessions.at(failed + 1).size(), 3u);
  EXPECT_EQ(bench.control.measured_left, 0) << "and nobody waits for what is not sent";
}

// A request of the last session that is measured takes long: sessions that begin after the window
// are sent meanwhile, with prompts that are made during the run.
TEST(ClosedSessions, GoOnWithPromptsOfTheirOwnUntilTheLastMeasuredRequestHasEnded) {
  const LoadSpec load{.warmup = 0s, .measure = 4s, .drain = 60s};
  ClosedBench bench(load, 40,
                    [](RequestId id) { return good_answer(2, id == 9 ? 20s : 50ms, 1ms); });
  std::vector<SpareFillers::Request> made;
  const std::vector<Arrival>& arrivals = bench.plan.schedule.arrivals;
  for (uint32_t i = 0; i < arrivals.size(); ++i) {
    if (arrivals[i].prompt != kSparePrompt) continue;
    made.push_back(std::make_shared<const SpareRequest>(
        SpareRequest{.prompt = {.planned_output_tokens = 1000 + i},
                     .body = std::make_shared<const std::string>("{}")}));
  }
  bench.spare.add(made);
  size_t spares = 0;
  for (const RequestRecord& record : bench.run()) {
    if (arrivals[record.index].prompt != kSparePrompt) continue;
    ++spares;
    EXPECT_EQ(record.planned_output_tokens, 1000 + record.index) << "its own, whenever it is due";
    EXPECT_EQ(record.phase, Phase::kFiller);
  }
  EXPECT_GT(spares, 30u);
}

TEST(ClosedSessions, StayWithOneLoopAndOneAddress) {
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> seen;  // loop and URL of a session
  for (uint32_t loop = 0; loop < 2; ++loop) {
    ClosedBench bench({.warmup = 0s, .measure = 6s, .drain = 10s}, 20, answers_in(100ms));
    bench.plan.endpoints = 2;
    for (const RequestRecord& record : bench.run({.loop = loop, .loops = 2})) {
      const auto [at, first] = seen.emplace(*record.session, std::pair(loop, record.url));
      EXPECT_EQ(at->second, std::pair(loop, record.url)) << *record.session;
      EXPECT_EQ(record.slot % 2, loop);
    }
  }
  EXPECT_GE(seen.size(), 6u);
}

TEST(ClosedSessions, NameTheirSessionInAHeader) {
  ClosedBench bench({.warmup = 0s, .measure = 2s, .drain = 10s}, 20, answers_in(100ms));
  bench.plan.session_header = "X-Session";
  const std::vector<RequestRecord> records = bench.run();
  ASSERT_FALSE(records.empty());
  for (size_t i = 0; i < bench.client.started.size(); ++i) {
    const uint32_t session = bench.plan.schedule.rows[bench.client.started[i]].session;
    EXPECT_EQ(bench.client.headers[i], "X-Session: t1.0." + std::to_string(session));
  }
}

TEST(SpareFillers, AreTakenByNumberOnceEach) {
  SpareFillers spare;
  EXPECT_EQ(spare.take(2), nullptr);
  EXPECT_EQ(spare.left(), -3) << "so many are wanted and not made";
  std::vector<SpareFillers::Request> made;
  for (int i = 0; i < 5; ++i) made.push_back(std::make_shared<const SpareRequest>());
  spare.add(made);
  EXPECT_EQ(spare.left(), 2);
  EXPECT_EQ(spare.take(2), made[2]);
  EXPECT_EQ(spare.take(2), nullptr);
  EXPECT_EQ(spare.take(0), made[0]);
  EXPECT_EQ(spare.take(1), made[1]);
  EXPECT_EQ(spare.take(0), nullptr) << "those before the first that is left are gone";
  EXPECT_EQ(spare.take(4), made[4]);
  EXPECT_EQ(spare.left(), 0);
  EXPECT_EQ(spare.take(3), made[3]);
  EXPECT_EQ(spare.taken(), 5);
}

}  // namespace
}  // namespace llmsweep

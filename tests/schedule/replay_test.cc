// Recorded traffic as a schedule: whole sessions kept, copies shifted, speeds and ticks.
#include "schedule/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "llmsweep/base/sha256.h"
#include "llmsweep/schedule/schedule.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

// Session i begins at i s and has i % 3 + 1 requests, 250 ms apart.
std::shared_ptr<ReplayTrace> sessions_of(int count) {
  auto replay = std::make_shared<ReplayTrace>();
  Trace& trace = replay->trace;
  trace.has_sessions = true;
  for (int i = 0; i < count; ++i) {
    for (int turn = 0; turn <= i % 3; ++turn) {
      trace.requests.push_back({.at = i * 1s + turn * 250ms,
                                .session = static_cast<uint64_t>(i) + 1,
                                .input_tokens = 10,
                                .output_tokens = 5,
                                .think = turn == 0 ? Duration(0) : Duration(100ms)});
    }
  }
  replay->span = count * 1s;
  replay->seed = 7;
  replay->think_source = ThinkSource::kTold;
  return replay;
}

LoadSpec load_of(std::shared_ptr<const ReplayTrace> replay) {
  LoadSpec load{.warmup = 10s, .measure = 60s, .drain = 30s};
  load.trace.file = "t";
  load.trace.sessions = TraceSessions::kOpen;
  load.trace.replay = std::move(replay);
  return load;
}

std::map<uint64_t, int> turns_of(const Schedule& schedule, const ReplayTrace& replay) {
  std::map<uint64_t, int> turns;
  for (const TraceRow& row : schedule.rows) ++turns[replay.trace.requests[row.row].session];
  return turns;
}

TEST(Replay, HasEveryRequestAtItsInstant) {
  const auto replay = sessions_of(100);
  const LoadSpec load = load_of(replay);
  EXPECT_EQ(load_points(load), (std::vector{of_trace(1)}));
  const Schedule schedule = make_schedule(load, of_trace(1), 3);
  ASSERT_EQ(schedule.arrivals.size(), schedule.rows.size());
  EXPECT_TRUE(schedule.is_open());
  ASSERT_EQ(schedule.arrivals.size(), 199u) << "100 sessions of 2 on average but for one";
  for (size_t i = 0; i < schedule.arrivals.size(); ++i) {
    const Arrival& arrival = schedule.arrivals[i];
    EXPECT_EQ(schedule.rows[i].row, i);
    EXPECT_EQ(schedule.rows[i].copy, 0u);
    EXPECT_EQ(schedule.rows[i].session + 1, replay->trace.requests[i].session);
    EXPECT_EQ(schedule.rows[i].turns, schedule.rows[i].session % 3 + 1);
    EXPECT_EQ(arrival.at - schedule.rows[i].session * 1s, (schedule.rows[i].turn - 1) * 250ms);
    EXPECT_EQ(arrival.after, kNoArrival);
    EXPECT_EQ(arrival.at, replay->trace.requests[i].at);
    EXPECT_EQ(arrival.slot, kFreeSlot);
    EXPECT_EQ(arrival.phase, arrival.at < 10s   ? Phase::kWarmup
                             : arrival.at < 70s ? Phase::kMeasured
                                                : Phase::kFiller);
  }
  EXPECT_FALSE(schedule.turns_wait);
  EXPECT_EQ(schedule_sha256(schedule), schedule_sha256(make_schedule(load, of_trace(1), 4)))
      << "nothing of it is drawn";
}

// The hash that results of before sessions could be closed have.
TEST(Replay, OfOpenSessionsHasTheHashThatItAlwaysHad) {
  auto replay = std::make_shared<ReplayTrace>();
  replay->trace.requests.push_back({.at = 0s});
  replay->trace.requests.push_back({.at = 300ms});
  replay->span = 1s;
  LoadSpec load{.warmup = 0s, .measure = 1s, .drain = 1s};
  load.trace.file = "t";
  load.trace.replay = replay;
  std::string bytes(18, '\0');
  bytes[8] = bytes[17] = static_cast<char>(Phase::kMeasured);
  for (int i = 0; i < 8; ++i)
    bytes[9 + static_cast<size_t>(i)] = static_cast<char>(300'000'000LL >> 8 * i);
  EXPECT_EQ(schedule_sha256(make_schedule(load, of_trace(1))), sha256_hex(bytes));
}

// Session i begins at i s, and has 100 ms to think before each later turn.
TEST(Replay, TurnsOfClosedSessionsWaitForTheOneBefore) {
  const auto replay = sessions_of(100);
  LoadSpec load = load_of(replay);
  load.trace.sessions = TraceSessions::kClosed;
  const Schedule schedule = make_schedule(load, of_trace(1));
  EXPECT_TRUE(schedule.turns_wait);
  EXPECT_TRUE(schedule.is_open());
  ASSERT_EQ(schedule.arrivals.size(), 199u);
  size_t later = 0;
  for (size_t i = 0; i < schedule.arrivals.size(); ++i) {
    const Arrival& arrival = schedule.arrivals[i];
    const TraceRow& row = schedule.rows[i];
    EXPECT_EQ(arrival.at, row.session * 1s + (row.turn - 1) * 100ms) << "if answers took no time";
    EXPECT_EQ(replay->trace.requests[row.row].session, row.session + 1);
    if (row.turn == 1) {
      EXPECT_EQ(arrival.after, kNoArrival);
      continue;
    }
    ++later;
    EXPECT_EQ(arrival.gap, 100ms);
    ASSERT_LT(arrival.after, i);
    EXPECT_EQ(schedule.rows[arrival.after].session, row.session);
    EXPECT_EQ(schedule.rows[arrival.after].turn, row.turn - 1);
  }
  EXPECT_EQ(later, 99u);
  const std::string hash = schedule_sha256(schedule);
  load.trace.think_cap = 40ms;
  const Schedule capped = make_schedule(load, of_trace(1));
  EXPECT_EQ(capped.arrivals[2].gap, 40ms);
  EXPECT_EQ(capped.arrivals[2].at, 1s + 40ms);
  EXPECT_NE(schedule_sha256(capped), hash);
  load.trace.think_cap = 1s;
  EXPECT_EQ(schedule_sha256(make_schedule(load, of_trace(1))), hash) << "it cuts nothing";
}

TEST(Replay, CopiesHaveSessionsOfTheirOwn) {
  const auto replay = sessions_of(100);
  LoadSpec load = load_of(replay);
  load.trace.sessions = TraceSessions::kClosed;
  load.trace.copies = {2};
  load.drain = 100s;
  const Schedule schedule = make_schedule(load, of_trace(2));
  std::map<uint32_t, std::set<std::pair<uint32_t, uint64_t>>> of;
  std::map<uint32_t, uint32_t> turns;
  for (const TraceRow& row : schedule.rows) {
    of[row.session].insert({row.copy, replay->trace.requests[row.row].session});
    EXPECT_EQ(row.turn, ++turns[row.session]) << "in their order";
  }
  EXPECT_EQ(of.size(), 200u);
  for (const auto& [session, names] : of) EXPECT_EQ(names.size(), 1u);
}

TEST(Replay, ShareKeepsWholeSessionsAndASmallerOneSomeOfThem) {
  const auto replay = sessions_of(100);
  LoadSpec load = load_of(replay);
  load.trace.share = {0.25, 0.5};
  load.drain = 100s;
  const std::map<uint64_t, int> all = turns_of(make_schedule(load, of_trace(1)), *replay);
  const std::map<uint64_t, int> half = turns_of(make_schedule(load, of_trace(0.5)), *replay);
  const std::map<uint64_t, int> quarter = turns_of(make_schedule(load, of_trace(0.25)), *replay);
  EXPECT_NEAR(static_cast<double>(half.size()), 50, 20) << "four deviations of 5";
  EXPECT_NEAR(static_cast<double>(quarter.size()), 25, 17.4);
  for (const auto& [session, turns] : half) EXPECT_EQ(turns, all.at(session));
  for (const auto& [session, turns] : quarter) EXPECT_EQ(turns, half.at(session));
}

TEST(Replay, CopiesAreShiftedByTimesOfTheirOwnAndStayWhole) {
  const auto replay = sessions_of(100);
  LoadSpec load = load_of(replay);
  load.trace.copies = {3};
  load.drain = 100s;
  const Schedule schedule = make_schedule(load, of_trace(3));
  EXPECT_EQ(schedule.rows.size(), 3 * replay->trace.requests.size());
  EXPECT_TRUE(std::is_sorted(schedule.arrivals.begin(), schedule.arrivals.end(),
                             [](const Arrival& a, const Arrival& b) { return a.at < b.at; }));
  std::map<std::pair<uint32_t, uint32_t>, Duration> at;
  for (size_t i = 0; i < schedule.rows.size(); ++i) {
    at[{schedule.rows[i].copy, schedule.rows[i].row}] = schedule.arrivals[i].at;
  }
  std::set<Duration> shifts;
  for (uint32_t copy = 0; copy < 3; ++copy) {
    const Duration shift = at.at({copy, 0});
    shifts.insert(shift);
    for (uint32_t row = 0; row < replay->trace.requests.size(); ++row) {
      const TraceRequest& request = replay->trace.requests[row];
      const Duration begin = (static_cast<int64_t>(request.session) - 1) * 1s;
      const Duration shifted = (begin + shift) % replay->span;
      EXPECT_EQ(at.at({copy, row}), shifted + (request.at - begin));
    }
  }
  EXPECT_EQ(shifts.size(), 3u);
  EXPECT_EQ(*shifts.begin(), 0s) << "the first copy is the trace";
}

TEST(Replay, SpeedIsOfSessionsNotOfWhatIsInThem) {
  const auto replay = sessions_of(100);
  LoadSpec load = load_of(replay);
  load.warmup = 1s;
  load.measure = 20s;
  load.trace.speed = {2};
  const Schedule schedule = make_schedule(load, of_trace(2));
  for (size_t i = 0; i < schedule.rows.size(); ++i) {
    const TraceRequest& request = replay->trace.requests[schedule.rows[i].row];
    const Duration begin = (static_cast<int64_t>(request.session) - 1) * 1s;
    EXPECT_EQ(schedule.arrivals[i].at, begin / 2 + (request.at - begin));
  }
}

TEST(Replay, ARateIsAShareOrCopiesOfWhichItIsOne) {
  const auto replay = sessions_of(600);  // 2 requests a second
  LoadSpec load = load_of(replay);
  load.warmup = 0s;
  load.measure = 500s;
  load.trace.rate = {1, 2, 5};
  for (const double rate : load.trace.rate) {
    const auto measured = static_cast<double>(prompt_demand(load, of_trace(rate)).measured);
    EXPECT_NEAR(measured / 500, rate, 0.15 * rate);
  }
  std::set<uint32_t> copies;
  for (const TraceRow& row : make_schedule(load, of_trace(5)).rows) copies.insert(row.copy);
  EXPECT_EQ(copies.size(), 3u);
  for (const TraceRow& row : make_schedule(load, of_trace(1)).rows) EXPECT_EQ(row.copy, 0u);
}

TEST(Replay, SpreadKeepsEachRequestInItsTick) {
  auto replay = std::make_shared<ReplayTrace>();
  for (int i = 0; i < 200; ++i) {
    replay->trace.requests.push_back({.at = i / 10 * 3s, .session = static_cast<uint64_t>(i)});
  }
  replay->span = 57s;
  LoadSpec load = load_of(replay);
  load.trace.spread = 3s;
  const Schedule schedule = make_schedule(load, of_trace(1), 5);
  ASSERT_EQ(schedule.arrivals.size(), 200u);
  std::map<int64_t, int> in_tick;
  std::set<Duration> instants;
  for (size_t i = 0; i < schedule.arrivals.size(); ++i) {
    const Duration at = schedule.arrivals[i].at;
    EXPECT_EQ(at / 3s, replay->trace.requests[schedule.rows[i].row].at / 3s);
    ++in_tick[at / 3s];
    instants.insert(at);
  }
  for (const auto& [tick, count] : in_tick) EXPECT_EQ(count, 10) << tick;
  EXPECT_GT(instants.size(), 195u);
  EXPECT_EQ(schedule_sha256(schedule), schedule_sha256(make_schedule(load, of_trace(1), 5)));
  EXPECT_NE(schedule_sha256(schedule), schedule_sha256(make_schedule(load, of_trace(1), 6)));
}

TEST(Replay, NothingComesAfterItsEnd) {
  const auto replay = sessions_of(75);
  const Schedule schedule = make_schedule(load_of(replay), of_trace(1));
  EXPECT_EQ(schedule.arrivals.back().at, replay->trace.requests.back().at);
  EXPECT_LT(prompt_demand(schedule).filler, 13u);
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/schedule/sessions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "llmsweep/schedule/schedule.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

WorkloadSpec workload_with(SessionSpec sessions) {
  WorkloadSpec workload;
  sessions.first_input_tokens = {.fixed = 100};
  workload.input_tokens = sessions.first_input_tokens;
  workload.sessions = sessions;
  return workload;
}

TokenCount one_or_ten() {
  return {.kind = TokenCount::Kind::kWeighted, .weighted = {{1, 1.0}, {10, 1.0}}};
}

TEST(SessionDraw, IsAFunctionOfItsNumber) {
  const WorkloadSpec workload = workload_with(
      {.turns = {.kind = TokenCount::Kind::kUniform, .min = 1, .max = 9},
       .input_tokens = TokenCount{.kind = TokenCount::Kind::kUniform, .min = 5, .max = 50},
       .think = {.kind = DrawnTime::Kind::kUniform, .min = 1s, .max = 3s}});
  const SessionDraw draw(workload, 7);
  EXPECT_EQ(draw.plan(12), SessionDraw(workload, 7).plan(12));
  EXPECT_NE(draw.plan(12), draw.plan(13));
  EXPECT_NE(draw.plan(12), SessionDraw(workload, 8).plan(12));
  for (uint64_t number = 0; number < 200; ++number) {
    const SessionPlan session = draw.plan(number);
    ASSERT_GE(session.turns.size(), 1u);
    ASSERT_LE(session.turns.size(), 9u);
    EXPECT_EQ(session.turns[0].input_tokens, 100);
    for (const TurnPlan& turn : session.turns) {
      EXPECT_EQ(turn.output_tokens, 256);
      EXPECT_GE(turn.think, Duration(1s));
      EXPECT_LE(turn.think, Duration(3s));
      if (&turn != session.turns.data()) {
        EXPECT_LE(turn.input_tokens, 50);
      }
    }
  }
}

TEST(SessionDraw, ThinksLogNormallyWithTheMeanAndCvThatWereAsked) {
  const WorkloadSpec workload =
      workload_with({.turns = {.fixed = 10},
                     .think = {.kind = DrawnTime::Kind::kLogNormal, .mean = 20s, .cv = 0.5}});
  double sum = 0, squares = 0, count = 0;
  for (uint64_t number = 0; number < 4000; ++number) {
    for (const TurnPlan& turn : SessionDraw(workload, 3).plan(number).turns) {
      const double think_s = to_seconds(turn.think);
      sum += think_s;
      squares += think_s * think_s;
      ++count;
    }
  }
  const double mean = sum / count;
  EXPECT_NEAR(mean, 20, 4 * 10 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(squares / count - mean * mean) / mean, 0.5, 0.02);
}

// Half of the sessions have one turn and half have ten: of eleven users found at a moment ten are
// in a long one. A draw of sessions would find half.
TEST(UserStarts, FindLongSessionsAsOftenAsTheyAreLong) {
  const WorkloadSpec workload = workload_with({.turns = one_or_ten(), .think = {.fixed = 5s}});
  constexpr uint32_t kUsers = 4000;
  double in_long = 0, turns = 0, waiting = 0, left_s = 0;
  for (const UserStart& start : user_starts(workload, kUsers, {.service = 5s, .warmup = 1h}, 11)) {
    ASSERT_LT(start.first_turn, start.session.turns.size());
    if (start.session.turns.size() == 10) {
      ++in_long;
      turns += start.first_turn;
    }
    if (start.at == Duration(0)) ++waiting;
    left_s += to_seconds(start.at);
    EXPECT_LE(start.at, Duration(5s));
  }
  const double share = in_long / kUsers;
  EXPECT_NEAR(share, 10.0 / 11, 0.02);
  EXPECT_NEAR(turns / in_long, 4.5, 0.2) << "at any age";
  EXPECT_NEAR(waiting / kUsers, 0.5, 0.04) << "thinking as long as waiting";
  EXPECT_NEAR(left_s / (kUsers - waiting), 2.5, 0.15);
}

// As it begins, so it goes on: how deep users are in their sessions, and how many wait.
TEST(UserStarts, AreWhereALongRunWouldFindThem) {
  const WorkloadSpec workload = workload_with(
      {.turns = one_or_ten(), .think = {.kind = DrawnTime::Kind::kLogNormal, .mean = 6s, .cv = 1}});
  constexpr Duration kService = 2s;
  constexpr Duration kLater = 47s;
  constexpr uint32_t kUsers = 60;
  double depth_before = 0, depth_after = 0, squares = 0;
  constexpr int kSeeds = 100;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SessionDraw draw(workload, seed);
    uint64_t next_session = kFirstNewSession;
    double before = 0, after = 0;
    for (const UserStart& start :
         user_starts(workload, kUsers, {.service = kService, .warmup = 1h}, seed)) {
      before += start.first_turn;
      SessionPlan session = start.session;
      uint32_t turn = start.first_turn;
      Duration ends = start.at;  // of this turn; while a user waits, the age of the answer is lost
      for (;;) {
        ends += kService;
        if (ends > kLater) break;
        if (++turn == session.turns.size()) {
          session = draw.plan(next_session++);
          turn = 0;
        }
        ends += session.turns[turn].think;
        if (ends > kLater) break;
      }
      after += turn;
    }
    depth_before += before / kUsers;
    depth_after += after / kUsers;
    squares += std::pow((after - before) / kUsers, 2);
  }
  const double off = (depth_after - depth_before) / kSeeds;
  const double error = std::sqrt(squares / kSeeds / kSeeds);
  EXPECT_NEAR(depth_before / kSeeds, 4.5 * 10 / 11, 0.1);
  EXPECT_LT(std::abs(off), 3 * error) << off << " ± " << error;
  EXPECT_LT(error, 0.1);
}

TEST(UserStarts, OfUsersWhoNeitherThinkNorWaitAreAtTheBegin) {
  const WorkloadSpec workload = workload_with({.turns = {.fixed = 1}});
  for (const Duration service : {Duration(0), Duration(3s)}) {
    for (const UserStart& start : user_starts(workload, 40, {.service = service}, 5)) {
      EXPECT_EQ(start.at, Duration(0));
      EXPECT_EQ(start.first_turn, 0u);
    }
  }
}

// Who thinks beyond the warm-up would come into the window with a history that no cache has.
TEST(UserStarts, SendTheTurnBeforeInTheWarmUpWhereTheyThinkForLonger) {
  const WorkloadSpec workload = workload_with({.turns = {.fixed = 4}, .think = {.fixed = 20s}});
  const auto without = user_starts(workload, 500, {.service = 1s, .warmup = 1h}, 9);
  const auto with = user_starts(workload, 500, {.service = 1s, .warmup = 5s}, 9);
  int primed = 0;
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_FALSE(without[i].second_at);
    const bool late = without[i].at >= 5s && without[i].first_turn > 0;
    ASSERT_EQ(with[i].second_at.has_value(), late);
    if (!late) {
      EXPECT_EQ(with[i].at, without[i].at);
      continue;
    }
    ++primed;
    EXPECT_EQ(*with[i].second_at, without[i].at);
    EXPECT_EQ(with[i].first_turn, without[i].first_turn - 1);
    EXPECT_LT(with[i].at, Duration(5s));
  }
  EXPECT_GT(primed, 200);
}

TEST(UsersSchedule, HasTheFirstRequestOfEachUser) {
  const LoadSpec load{.users = {3}, .warmup = 10s, .measure = 60s};
  const SessionPlan session{.turns = {{}, {}}};
  const std::vector<UserStart> starts = {{session, 0, 0s},
                                         {session, 1, 30s},
                                         {session, 0, 30s},
                                         {session, 0, 80s},
                                         {session, 0, 11s, 50s}};
  const Schedule schedule = make_users_schedule(load, starts);
  EXPECT_TRUE(schedule.is_of_users());
  EXPECT_FALSE(schedule.is_open());
  EXPECT_EQ(schedule.slots, 5u);
  ASSERT_EQ(schedule.arrivals.size(), 5u);
  EXPECT_EQ(schedule.arrivals[0].phase, Phase::kWarmup);
  EXPECT_EQ(schedule.arrivals[1].phase, Phase::kWarmup) << "its history is in no cache yet";
  EXPECT_EQ(schedule.arrivals[2].phase, Phase::kMeasured);
  EXPECT_EQ(schedule.arrivals[3].phase, Phase::kFiller);
  EXPECT_EQ(schedule.arrivals[4].phase, Phase::kWarmup) << "only primes the next turn";
  for (uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(schedule.arrivals[i].slot, i);
    EXPECT_EQ(schedule.arrivals[i].prompt, i);
    EXPECT_EQ(schedule.arrivals[i].at, starts[i].at);
  }
  EXPECT_EQ(load_points(load), (std::vector{with_users(3)}));
  EXPECT_EQ(prompt_demand(load, with_users(3)).total(), 3u);
  EXPECT_EQ(shortest_run(load, with_users(3), 5s), Duration(75s));
  EXPECT_EQ(most_in_flight(load, with_users(3)), 3);
}

TEST(MeanPromptTokens, CountTheTurnsBefore) {
  WorkloadSpec workload = workload_with(
      {.turns = {.fixed = 5}, .input_tokens = TokenCount{.fixed = 20}, .system_tokens = 40});
  workload.output_tokens = {.fixed = 10};
  EXPECT_DOUBLE_EQ(mean_prompt_tokens(workload), 40 + 100 + 2 * 30);
  workload.sessions = {};
  EXPECT_DOUBLE_EQ(mean_prompt_tokens(workload), 100);
  workload.input_tokens.reset();
  EXPECT_EQ(mean_prompt_tokens(workload), 0);
}

TEST(SessionDraw, TakesTheTokensOfEachTurnFromAListAndEndsWithIt) {
  const auto by_turn = [](std::vector<int64_t> tokens) {
    TokenCount count{.kind = TokenCount::Kind::kWeighted, .by_turn = true};
    for (const int64_t each : tokens) count.weighted.emplace_back(each, 1);
    return count;
  };
  WorkloadSpec workload;
  workload.sessions.turns = {.kind = TokenCount::Kind::kUniform, .min = 1, .max = 20};
  workload.sessions.first_input_tokens = {.fixed = 1000};
  workload.sessions.input_tokens = by_turn({200, 300, 400});
  workload.output_tokens = by_turn({50, 60, 70, 80, 90});
  size_t longest = 0;
  for (uint64_t number = 0; number < 50; ++number) {
    const SessionPlan plan = SessionDraw(workload, 1).plan(number);
    longest = std::max(longest, plan.turns.size());
    for (size_t i = 0; i < plan.turns.size(); ++i) {
      EXPECT_EQ(plan.turns[i].input_tokens, i == 0 ? 1000 : 100 + 100 * static_cast<int64_t>(i));
      EXPECT_EQ(plan.turns[i].output_tokens, 50 + 10 * static_cast<int64_t>(i));
    }
  }
  EXPECT_EQ(longest, 4u) << "three later questions";
  workload.output_tokens = by_turn({50, 60});
  for (uint64_t number = 0; number < 50; ++number) {
    EXPECT_LE(SessionDraw(workload, 1).plan(number).turns.size(), 2u);
  }
}

}  // namespace
}  // namespace llmsweep

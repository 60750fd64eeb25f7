#include "stats/session_load.h"

#include <gtest/gtest.h>

#include <vector>

#include "llmsweep/stats/validity.h"
#include "stats/records.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;
using testing::at_ms;

struct Turn {
  uint32_t session = 0;
  uint32_t turn = 1;
  uint32_t planned = 1;
  double due_ms = 0;
  double think_ms = 0;
  double takes_ms = 100;  // to the last token; the first one comes after a tenth
  std::optional<int64_t> input, cached;
  Outcome outcome = Outcome::kOk;
  uint32_t slot = 0;
};

// A window from 1 s to 11 s after at_ms(0).
SessionInput window() {
  return {.start_ns = to_ns(at_ms(0)), .window = {.from = 1s, .to = 11s, .end = 11s}};
}

std::vector<RequestRecord> records_of(const std::vector<Turn>& turns) {
  std::vector<RequestRecord> records;
  for (const Turn& turn : turns) {
    const Phase phase = turn.due_ms < 1000     ? Phase::kWarmup
                        : turn.due_ms < 11'000 ? Phase::kMeasured
                                               : Phase::kFiller;
    const bool ok = turn.outcome == Outcome::kOk;
    RequestRecord record = testing::record_of(
        {.slot = turn.slot,
         .phase = phase,
         .sent = turn.due_ms,
         .first = ok ? std::optional(turn.due_ms + turn.takes_ms / 10) : std::nullopt,
         .last = ok ? std::optional(turn.due_ms + turn.takes_ms) : std::nullopt,
         .end = turn.due_ms + turn.takes_ms,
         .tokens = ok ? 10 : 0,
         .outcome = turn.outcome});
    record.index = static_cast<uint32_t>(records.size());
    record.run.point = with_users(1);
    record.session = turn.session;
    record.turn = turn.turn;
    record.turns_planned = turn.planned;
    record.think = from_ms(turn.think_ms);
    record.input_tokens = turn.input;
    record.cached_tokens = turn.cached;
    records.push_back(record);
  }
  return records;
}

RunStats stats_of(const std::vector<RequestRecord>& records, int users = 1) {
  return run_stats(
      {.records = records, .level = {.point = with_users(users)}, .sessions = window()});
}

TEST(SessionLoad, CountsUsersByWhatTheyThinkAndWait) {
  // Two users, each with a turn a second for ten seconds: 0.75 s to think, 0.25 s to answer.
  std::vector<Turn> turns;
  for (uint32_t i = 0; i < 12; ++i) {
    for (uint32_t slot = 0; slot < 2; ++slot) {
      turns.push_back({.session = 2 * i + slot,
                       .due_ms = 500.0 + 1000 * i + 100 * slot,
                       .think_ms = 750,
                       .takes_ms = 250,
                       .slot = slot});
    }
  }
  const RunStats stats = stats_of(records_of(turns), 2);
  ASSERT_TRUE(stats.sessions);
  EXPECT_EQ(stats.requests.completed, 20);
  EXPECT_DOUBLE_EQ(*stats.sessions->think_mean_s, 0.75);
  EXPECT_DOUBLE_EQ(*stats.sessions->response_mean_s, 0.25);
  EXPECT_DOUBLE_EQ(*stats.sessions->turns_rps, 2);
  EXPECT_DOUBLE_EQ(*stats.sessions->users_by_law, 2);
  EXPECT_NEAR(*stats.littles_law_error, 0, 1e-12);
  EXPECT_DOUBLE_EQ(*stats.request_throughput_rps, 2);
  EXPECT_NEAR(*stats.achieved_concurrency, 0.5, 1e-9) << "who thinks is not in flight";
  EXPECT_NEAR(*stats.steady_output_throughput_tps, 20, 1e-9);
  EXPECT_EQ(*stats.wall_seconds, 10);
  EXPECT_FALSE(stats.open);
  EXPECT_FALSE(stats.in_step);
  EXPECT_EQ(stats.client.slot_gap_p99_ms, 0) << "the time to think is no gap";
}

TEST(SessionLoad, SaysThatUsersWereLost) {
  std::vector<Turn> turns;
  for (uint32_t i = 0; i < 10; ++i) {
    turns.push_back({.session = i, .due_ms = 1000.0 + 500 * i, .think_ms = 400, .takes_ms = 100});
  }
  RunStats stats = stats_of(records_of(turns));  // nothing in the second half of the window
  EXPECT_NEAR(*stats.littles_law_error, 0.5, 1e-9);
  judge_run(stats, {.point = with_users(1)});
  EXPECT_NE(std::find(stats.warnings.begin(), stats.warnings.end(), Warning::kLittlesLaw),
            stats.warnings.end());
}

TEST(SessionLoad, HasSessionsThatRanWholeAndEndedInTheWindow) {
  const RunStats stats = stats_of(records_of({
      {.session = 0, .turn = 2, .planned = 2, .due_ms = 1100},  // found in mid-life
      {.session = 1, .turn = 1, .planned = 3, .due_ms = 900, .takes_ms = 200},
      {.session = 1, .turn = 2, .planned = 3, .due_ms = 2000, .takes_ms = 300},
      {.session = 1, .turn = 3, .planned = 3, .due_ms = 3000, .takes_ms = 400},
      {.session = 2, .turn = 1, .planned = 4, .due_ms = 4000},
      {.session = 2, .turn = 2, .planned = 4, .due_ms = 5000, .outcome = Outcome::kHttpError},
      {.session = 3, .turn = 1, .planned = 2, .due_ms = 10'000},
      {.session = 3, .turn = 2, .planned = 2, .due_ms = 11'000},  // after it
  }));
  const SessionLoad& load = *stats.sessions;
  EXPECT_EQ(load.ended, 1);
  EXPECT_EQ(load.broken, 1);
  EXPECT_EQ(load.turns_not_sent, 2);
  EXPECT_NEAR(*load.duration.p50, 2500, 1e-9);
  EXPECT_NEAR(*load.waiting.p50, 900, 1e-9);
  EXPECT_NEAR(*load.ttft_sum.p50, 90, 1e-9);
}

TEST(SessionLoad, HasFiguresOfTurnsByTheirNumber) {
  std::vector<Turn> turns;
  for (uint32_t turn = 1; turn <= 9; ++turn) {
    turns.push_back({.turn = turn, .planned = 9, .due_ms = 1000.0 * turn, .takes_ms = 10.0 * turn});
  }
  const std::vector<TurnFigures> figures = stats_of(records_of(turns)).sessions->turns;
  const std::vector<std::pair<int64_t, int64_t>> ranges = {{1, 1}, {2, 2},  {3, 4},
                                                           {5, 8}, {9, 16}, {2, 0}};
  const std::vector<double> e2e_ms = {10, 20, 35, 65, 90, 55};
  ASSERT_EQ(figures.size(), ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_EQ(std::pair(figures[i].from, figures[i].to), ranges[i]);
    EXPECT_NEAR(*figures[i].e2e.p50, e2e_ms[i], 1e-9);
    EXPECT_NEAR(*figures[i].ttft.p50, e2e_ms[i] / 10, 1e-9);
  }
}

TEST(SessionLoad, HoldsWhatWasCachedAgainstTheTurnBefore) {
  RunStats stats = stats_of(records_of({
      {.turn = 1, .planned = 4, .due_ms = 900, .input = 1000, .cached = 0},
      {.turn = 2, .planned = 4, .due_ms = 2000, .input = 1200, .cached = 992},
      {.turn = 3, .planned = 4, .due_ms = 3000, .input = 1400, .cached = 600},
      {.turn = 4, .planned = 4, .due_ms = 4000, .input = 1600, .cached = 1600},
      {.session = 1, .turn = 1, .due_ms = 5000, .input = 1000, .cached = 48},
      {.session = 2, .turn = 3, .planned = 3, .due_ms = 6000, .input = 100, .cached = 0},
  }));
  const PrefixTokens& prefix = *stats.sessions->prefix;
  EXPECT_EQ(prefix.input_tokens, 1200 + 1400 + 1600 + 1000 + 100);
  EXPECT_EQ(prefix.ideal_tokens, 1000 + 1200 + 1400);
  EXPECT_EQ(prefix.reported_tokens, 992 + 600 + 1600);
  EXPECT_EQ(prefix.leaked_tokens, 1600 - 1400 - 64);
  EXPECT_EQ(prefix.first_turn_tokens, 48);
  EXPECT_DOUBLE_EQ(*prefix.capture(), 3192.0 / 3600);
  const auto warns = [&stats] {
    judge_run(stats, {.point = with_users(1)});
    return std::find(stats.warnings.begin(), stats.warnings.end(), Warning::kCachedTokens) !=
           stats.warnings.end();
  };
  EXPECT_TRUE(warns()) << "136 of 5,300 tokens came from elsewhere";
  stats.sessions->prefix->leaked_tokens = 50;
  EXPECT_FALSE(warns()) << "what the turns themselves had put there is no contamination";
}

TEST(SessionLoad, SaysNothingOfACacheOfWhichTheServerSaysNothing) {
  const RunStats stats = stats_of(records_of({{.due_ms = 2000, .input = 1000}}));
  EXPECT_FALSE(stats.sessions->prefix);
}

TEST(SessionLoad, OfALevelHasTheSessionsOfAllItsRuns) {
  const std::vector<Turn> turns = {{.turn = 1, .planned = 2, .due_ms = 2000},
                                   {.turn = 2, .planned = 2, .due_ms = 3000}};
  std::vector<RequestRecord> one = records_of(turns), two = records_of(turns);
  for (RequestRecord& record : two) record.run.repeat = 1;
  std::vector<RequestRecord> all = one;
  all.insert(all.end(), two.begin(), two.end());
  const LevelStats level = pool_runs({.point = with_users(1)}, {stats_of(one), stats_of(two)}, all);
  EXPECT_EQ(level.pooled.sessions->ended, 2) << "of one number, and of two runs";
  EXPECT_DOUBLE_EQ(*level.pooled.sessions->turns_rps, 0.2);
  EXPECT_EQ(level.pooled.sessions->turns.size(), 2u);
}

}  // namespace
}  // namespace llmsweep

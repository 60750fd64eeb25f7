#include "sweep/run_tracker.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

using std::chrono::seconds;

class LiveOutput : public ::testing::Test {
 protected:
  double after(int s) { return tracker_.progress(control_, 1, kStart + seconds(s)).output_tps; }

  static constexpr Instant kStart = from_ns(1'000'000'000);
  LoadControl control_;
  RunTracker tracker_{{.run = {.point = at_concurrency(8)}}, 80, kStart};
};

// Answers of a first wave last longer than anybody wants to look at a zero.
TEST_F(LiveOutput, CountsTheChunksOfAnswersThatHaveNotEnded) {
  EXPECT_EQ(after(0), 0);
  control_.chunks = 300;
  EXPECT_DOUBLE_EQ(after(1), 300);
  control_.chunks = 900;
  EXPECT_DOUBLE_EQ(after(3), 300);
}

TEST_F(LiveOutput, IsOfTheLastFiveSeconds) {
  for (int s = 1; s <= 20; ++s) {
    control_.chunks += s <= 10 ? 1000 : 100;
    const double tps = after(s);
    if (s <= 10) {
      EXPECT_DOUBLE_EQ(tps, 1000) << s;
    }
    if (s >= 15) {
      EXPECT_DOUBLE_EQ(tps, 100) << s;
    }
  }
  EXPECT_DOUBLE_EQ(after(26), 0);
}

TEST_F(LiveOutput, TakesAChunkForAsManyTokensAsThoseOfEndedAnswersHeld) {
  control_.chunks = 500;
  control_.ended_chunks = 100;
  control_.output_tokens = 185;
  EXPECT_DOUBLE_EQ(after(5), 185);
}

TEST_F(LiveOutput, OfAnApiThatGeneratesNoneIsTheInputsOfEndedRequests) {
  RunTracker tracker({.run = {.point = at_concurrency(8)}, .inputs = 4}, 80, kStart);
  control_.ended = 30;
  const LevelProgress shown = tracker.progress(control_, 1, kStart + seconds(2));
  EXPECT_DOUBLE_EQ(shown.inputs_per_s, 60);
  EXPECT_EQ(shown.output_tps, 0);
}

TEST_F(LiveOutput, ShowsTheMedianTtftOfCompletedRequests) {
  EXPECT_FALSE(tracker_.progress(control_, 1, kStart).ttft_p50_ms);
  for (const int ttft_ms : {40, 70, 60}) {
    RequestRecord record{.phase = Phase::kMeasured, .scheduled = kStart, .sent = kStart};
    record.outcome = Outcome::kOk;
    record.first_token = kStart + std::chrono::milliseconds(ttft_ms);
    record.last_token = record.end = kStart + seconds(1);
    record.chunks = 10;
    record.output_tokens = 10;
    tracker_.add(record);
  }
  EXPECT_DOUBLE_EQ(tracker_.progress(control_, 1, kStart + seconds(1)).ttft_p50_ms.value_or(0), 60);
}

}  // namespace
}  // namespace llmsweep

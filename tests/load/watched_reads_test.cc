#include "load/watched_reads.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

RequestRecord answered(int64_t planned, int64_t chunks) {
  RequestRecord record;
  record.phase = Phase::kMeasured;
  record.outcome = Outcome::kOk;
  record.planned_output_tokens = planned;
  record.chunks = chunks;
  record.first_answer_token = from_ns(1);
  return record;
}

TEST(WatchedReads, AreThoseOfAMeasuredRequestUntilItsAnswerBegins) {
  WatchedReads reads;
  reads.learn_from_ended(answered(1000, 1000));
  RequestRecord record = answered(1000, 100);
  EXPECT_FALSE(reads.wants_next(record));
  record.first_answer_token.reset();  // it still thinks
  EXPECT_TRUE(reads.wants_next(record));
  record.phase = Phase::kWarmup;
  EXPECT_FALSE(reads.wants_next(record));
}

TEST(WatchedReads, AreAllUntilAnAnswerHasToldItsLength) {
  WatchedReads reads;
  EXPECT_TRUE(reads.wants_next(answered(1000, 1)));
}

TEST(WatchedReads, BeginAgainBeforeTheShortestAnswersEnd) {
  WatchedReads reads;
  reads.learn_from_ended(answered(1000, 1000));
  EXPECT_FALSE(reads.wants_next(answered(1000, 945)));
  EXPECT_TRUE(reads.wants_next(answered(1000, 946)));  // 4 chunks before 950
  reads.learn_from_ended(answered(100, 50));           // two tokens a chunk
  reads.learn_from_ended(answered(1000, 1000));
  EXPECT_FALSE(reads.wants_next(answered(1000, 470)));
  EXPECT_TRUE(reads.wants_next(answered(1000, 471)));
  EXPECT_FALSE(reads.wants_next(answered(2000, 945)));
}

TEST(WatchedReads, LearnNothingFromAFailure) {
  WatchedReads reads;
  reads.learn_from_ended(answered(1000, 1000));
  RequestRecord failed = answered(1000, 3);
  failed.outcome = Outcome::kTransportError;
  reads.learn_from_ended(failed);
  EXPECT_FALSE(reads.wants_next(answered(1000, 500)));
}

}  // namespace
}  // namespace llmsweep

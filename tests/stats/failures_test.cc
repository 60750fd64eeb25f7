#include "llmsweep/stats/failures.h"

#include <gtest/gtest.h>

#include "stats/records.h"

namespace llmsweep::testing {
namespace {

RequestRecord failed(const std::string& error, int status = 0, Phase phase = Phase::kMeasured) {
  RequestRecord record = record_of({.phase = phase, .end = 1, .outcome = Outcome::kHttpError});
  record.error = error;
  record.http_status = status;
  return record;
}

using Errors = std::vector<ErrorCount>;

TEST(CountErrors, SaysEachReasonOnceTheMostFrequentFirst) {
  EXPECT_EQ(count_errors({}), Errors{});
  const std::vector<RequestRecord> records = {failed("no room"), failed("too long"),
                                              failed("too long"), record_of({.end = 1})};
  EXPECT_EQ(count_errors(records), (Errors{{"too long", 2}, {"no room", 1}}));
}

TEST(CountErrors, TakesIdsAndTimesForTheSameReason) {
  const std::vector<RequestRecord> records = {failed("request r-17 failed after 5 chunks"),
                                              failed("request r-18 failed after 9 chunks")};
  EXPECT_EQ(count_errors(records), (Errors{{"request r-17 failed after 5 chunks", 2}}));
}

TEST(CountErrors, KeepsStatusesApartAndLeavesOtherPhasesOut) {
  const std::vector<RequestRecord> records = {failed("HTTP 400: no", 400),
                                              failed("HTTP 500: no", 500),
                                              failed("warm", 400, Phase::kWarmup)};
  EXPECT_EQ(count_errors(records).size(), 2u);
}

TEST(CountErrors, KeepsFive) {
  std::vector<RequestRecord> records;
  for (const char* text : {"a", "b", "c", "d", "e", "f", "g"}) records.push_back(failed(text));
  EXPECT_EQ(count_errors(records).size(), 5u);
}

TEST(FailuresOf, AddsTheLevelsUp) {
  SweepResult result;
  for (const int concurrency : {1, 2}) {
    LevelStats level{.point = at_concurrency(concurrency)};
    level.pooled.requests.errors = {{"HTTP 400: no", 3}};
    if (concurrency == 2) level.pooled.requests.errors.push_back({"HTTP 500: no", 9});
    result.levels.push_back(level);
  }
  const std::vector<FailureReason> reasons = failures_of(result);
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0].error, (ErrorCount{"HTTP 500: no", 9}));
  EXPECT_EQ(reasons[1].error, (ErrorCount{"HTTP 400: no", 6}));
  EXPECT_EQ(reasons[1].levels.size(), 2u);
}

}  // namespace
}  // namespace llmsweep::testing

#include "llmsweep/stats/whole_load.h"

#include <gtest/gtest.h>

#include <vector>

#include "stats/records.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;
using testing::records_of;
using testing::Request;

// Two slots of two clients, each busy from 0 to 400 ms; 100 to 300 is measured, to `until` of
// slot 1.
std::vector<Request> slots_of_two(double until = 300) {
  return {{.slot = 0, .phase = Phase::kWarmup, .sent = 0, .last = 100},
          {.slot = 0, .sent = 100, .last = 200},
          {.slot = 0, .sent = 200, .last = 300},
          {.slot = 0, .phase = Phase::kFiller, .sent = 300, .last = 400},
          {.slot = 1, .phase = Phase::kWarmup, .sent = 0, .last = 110},
          {.slot = 1, .sent = 110, .last = until},
          {.slot = 1, .phase = Phase::kFiller, .sent = until, .last = 400}};
}

TEST(SlotsWereBusy, WhereFillersOfEachLastedLongerThanTheOthersMeasuredRequests) {
  EXPECT_TRUE(slots_were_busy(records_of(slots_of_two()), 2, 0ms));
  EXPECT_TRUE(slots_were_busy(records_of(slots_of_two()), 2, 99ms));
  EXPECT_TRUE(slots_were_busy({}, 2, 0ms)) << "nothing was measured";
}

TEST(SlotsWereBusy, NotWhereAClientWasOverBeforeAnothersLastMeasuredRequest) {
  std::vector<Request> requests = slots_of_two(350);
  requests[3].last = 340;
  EXPECT_FALSE(slots_were_busy(records_of(requests), 2, 0ms));
  requests[3].last = 360;
  EXPECT_TRUE(slots_were_busy(records_of(requests), 2, 10ms));
  EXPECT_FALSE(slots_were_busy(records_of(requests), 2, 11ms)) << "their clocks may hide it";
}

TEST(SlotsWereBusy, NotWhereAClientBeganAfterAnothersFirstMeasuredRequest) {
  std::vector<Request> requests = slots_of_two();
  requests[4].sent = 101;
  EXPECT_FALSE(slots_were_busy(records_of(requests), 2, 0ms));
  requests[4].sent = 95;
  EXPECT_TRUE(slots_were_busy(records_of(requests), 2, 5ms));
  EXPECT_FALSE(slots_were_busy(records_of(requests), 2, 6ms));
}

TEST(SlotsWereBusy, NotWhereASlotIsMissingOrWaitedInTheMidst) {
  EXPECT_FALSE(slots_were_busy(records_of(slots_of_two()), 3, 0ms));
  std::vector<Request> requests = slots_of_two();
  requests[2].sent = 202;  // of 200 ms
  EXPECT_TRUE(slots_were_busy(records_of(requests), 2, 0ms));
  requests[2].sent = 203;
  EXPECT_FALSE(slots_were_busy(records_of(requests), 2, 0ms));
}

TEST(ArrivalsWereSent, WhereNoneIsMissingUpToTheEndOfTheLastMeasuredRequest) {
  std::vector<RequestRecord> records =
      records_of({{.phase = Phase::kWarmup, .sent = 0, .last = 50},
                  {.sent = 10, .last = 60},
                  {.sent = 20, .last = 70},
                  {.phase = Phase::kFiller, .sent = 30, .last = 80},
                  {.phase = Phase::kFiller, .sent = 90, .last = 100}});
  EXPECT_TRUE(arrivals_were_sent(records, 0ms));
  records.erase(records.begin() + 3);
  EXPECT_TRUE(arrivals_were_sent(records, 0ms)) << "all end before it: as at the end of a drain";
  records[2].end = records[2].last_token = testing::at_ms(95);
  EXPECT_FALSE(arrivals_were_sent(records, 0ms)) << "another client's came, this one did not";
  EXPECT_TRUE(arrivals_were_sent({}, 0ms));
}

}  // namespace
}  // namespace llmsweep

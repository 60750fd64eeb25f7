#include "stats/phase.h"

#include <gtest/gtest.h>

#include <vector>

namespace llmsweep {
namespace {
using std::chrono::milliseconds;

RequestRecord start_of(uint32_t slot, int64_t ms, Phase phase = Phase::kMeasured) {
  RequestRecord record{.slot = slot, .phase = phase};
  record.outcome = Outcome::kOk;
  record.sent = Instant(milliseconds(ms));
  return record;
}

// Rounds of 100 ms, slot after slot `apart` ms later.
std::vector<RequestRecord> rounds(uint32_t slots, int64_t apart_ms) {
  std::vector<RequestRecord> records;
  for (int64_t round = 0; round < 5; ++round) {
    for (uint32_t slot = 0; slot < slots; ++slot) {
      records.push_back(start_of(slot, round * 100 + slot * apart_ms));
    }
  }
  return records;
}

TEST(InStep, IsOneWhereAllSlotsStartTogether) {
  EXPECT_DOUBLE_EQ(*in_step(rounds(4, 0), 100), 1);
  EXPECT_DOUBLE_EQ(*in_step(rounds(2, 2), 100), 1) << "2 of 100 ms are together";
}

TEST(InStep, IsZeroWhereEachSlotStartsForItself) {
  EXPECT_DOUBLE_EQ(*in_step(rounds(4, 25), 100), 0);
  EXPECT_DOUBLE_EQ(*in_step(rounds(2, 3), 100), 0) << "3 of 100 ms are not together";
}

TEST(InStep, CountsTheSlotsThatStartWithARequest) {
  // Two pairs half a round apart: of three other slots one starts with each request.
  std::vector<RequestRecord> records;
  for (int64_t round = 0; round < 5; ++round) {
    for (uint32_t slot = 0; slot < 4; ++slot) {
      records.push_back(start_of(slot, round * 100 + (slot / 2) * 50));
    }
  }
  EXPECT_DOUBLE_EQ(*in_step(records, 100), 1.0 / 3);
}

TEST(InStep, CountsASlotOnceAndRequestsOfEveryPhaseAsCompany) {
  const std::vector<RequestRecord> records = {start_of(0, 100), start_of(1, 99, Phase::kFiller),
                                              start_of(1, 101, Phase::kWarmup),
                                              start_of(2, 300, Phase::kFiller)};
  EXPECT_DOUBLE_EQ(*in_step(records, 100), 0.5);
}

TEST(InStep, IsAbsentWhereThereIsNoneToBeInStepWith) {
  EXPECT_FALSE(in_step({}, 100));
  EXPECT_FALSE(in_step(rounds(1, 0), 100));
  EXPECT_FALSE(in_step(rounds(4, 0), 0));
  std::vector<RequestRecord> failed = rounds(2, 0);
  for (RequestRecord& record : failed) record.outcome = Outcome::kTimeout;
  EXPECT_FALSE(in_step(failed, 100));
}

// By hand: slots at random phases of a period have 2 · 2.5 % of it within reach.
TEST(InStep, IsTheShareWithinReachForStartsThatKnowNothingOfEachOther) {
  std::vector<RequestRecord> records;
  constexpr uint32_t kSlots = 50;
  for (int64_t round = 0; round < 40; ++round) {
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      const int64_t phase = slot * slot * 7919 % 100'000;
      RequestRecord record = start_of(slot, 0);
      record.sent = Instant(std::chrono::microseconds(round * 100'000 + phase));
      records.push_back(record);
    }
  }
  EXPECT_NEAR(*in_step(records, 100), 0.05, 0.02);
}

}  // namespace
}  // namespace llmsweep

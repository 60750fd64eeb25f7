#include "llmsweep/report/selftest_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmsweep {
namespace {
using ::testing::HasSubstr;

Selftest of_two_steps() {
  Selftest selftest{.created_at = "2026-11-22T04:05:06Z", .host = "here\x1b[31m", .cores = 2};
  selftest.steps = {{.load = {.streams = 64, .chunks_per_stream_s = 200},
                     .chunks_per_s = 12'800,
                     .stamp_error_p50_us = 20,
                     .stamp_error_p99_us = 90,
                     .busy_fraction = 0.1,
                     .trusted = true},
                    {.load = {.streams = 512, .chunks_per_stream_s = 100},
                     .chunks_per_s = 40'000,
                     .unaccounted = 3,
                     .stamp_error_p50_us = 900,
                     .busy_fraction = 0.95,
                     .limits = {InvalidReason::kClientBusy}}};
  return selftest;
}

TEST(SelftestTable, ShowsEveryLoadTheVerdictAndWhyNotMore) {
  const std::string table = selftest_table(of_two_steps(), {.width = 100});
  EXPECT_THAT(table, HasSubstr("12,800"));
  EXPECT_THAT(table, HasSubstr("40,000"));
  EXPECT_THAT(table, HasSubstr("3 chunks are not accounted for"));
  EXPECT_THAT(table, HasSubstr("busy for more than 80 %"));
  EXPECT_THAT(table, HasSubstr("trusted up to 64 streams at 12,800 chunks/s"));
  EXPECT_THAT(table, HasSubstr("Ceiling: 40,000 chunks/s."));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
}

TEST(SelftestTable, SaysThatNothingCanBeTrusted) {
  Selftest selftest = of_two_steps();
  selftest.steps[0].trusted = false;
  EXPECT_THAT(selftest_verdict(selftest), HasSubstr("cannot be trusted at any load"));
}

TEST(SelftestSentence, HoldsThePlanAgainstTheLastTest) {
  const PlannedLoad small{.streams = 64, .chunks_per_s = 9000};
  EXPECT_THAT(selftest_sentence(std::nullopt, small),
              HasSubstr("no self-test of this machine yet"));
  EXPECT_THAT(selftest_sentence(of_two_steps(), small),
              HasSubstr("64 streams at 12,800 chunks/s: within it"));
  EXPECT_THAT(selftest_sentence(of_two_steps(), {.streams = 64, .chunks_per_s = 13'000}),
              HasSubstr("beyond it"));
  EXPECT_THAT(selftest_sentence(of_two_steps(), {.streams = 65}), HasSubstr("beyond it"));
  Selftest none = of_two_steps();
  none.steps[0].trusted = false;
  EXPECT_THAT(selftest_sentence(none, small), HasSubstr("cannot be trusted at any load"));
}

}  // namespace
}  // namespace llmsweep

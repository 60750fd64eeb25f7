#include "llmsweep/model/selftest_result.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

SelftestStep step(int streams, double chunks_per_s, bool trusted, double busy = 0.2) {
  return {.load = {.streams = streams, .chunks_per_stream_s = 100},
          .chunks_per_s = chunks_per_s,
          .busy_fraction = busy,
          .trusted = trusted};
}

TEST(Selftest, TrustsTheLastStepBeforeTheFirstThatFailed) {
  Selftest selftest;
  EXPECT_EQ(highest_trusted(selftest), nullptr);
  selftest.steps = {step(64, 6000, true), step(256, 25'000, true), step(512, 50'000, false),
                    step(1024, 90'000, true)};
  ASSERT_NE(highest_trusted(selftest), nullptr);
  EXPECT_EQ(highest_trusted(selftest)->load.streams, 256);
  selftest.steps[0].trusted = false;
  EXPECT_EQ(highest_trusted(selftest), nullptr);
}

TEST(Selftest, TheCeilingIsTheMostThatCameAndSaysWhetherThereWasRoom) {
  Selftest selftest;
  EXPECT_EQ(ceiling_of(selftest).chunks_per_s, 0);
  selftest.steps = {step(64, 6000, true), step(512, 50'000, true, 0.5),
                    step(2048, 48'000, false, 0.99)};
  EXPECT_EQ(ceiling_of(selftest).chunks_per_s, 50'000);
  EXPECT_TRUE(ceiling_of(selftest).at_least);
  selftest.steps[2].chunks_per_s = 61'000;
  EXPECT_EQ(ceiling_of(selftest).chunks_per_s, 61'000);
  EXPECT_FALSE(ceiling_of(selftest).at_least);
}

}  // namespace
}  // namespace llmsweep

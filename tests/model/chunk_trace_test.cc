#include "llmsweep/model/chunk_trace.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

TEST(ChunkTrace, HoldsNothingAtFirst) {
  const ChunkTrace trace;
  EXPECT_EQ(trace.count(), 0);
  EXPECT_TRUE(trace.packed().empty());
  EXPECT_TRUE(trace.instants().empty());
}

TEST(ChunkTrace, GivesBackEveryInstantToTheNanosecond) {
  ChunkTrace trace;
  std::vector<Instant> added;
  int64_t ns = 1'234'567'890'123'456'789;
  for (int i = 0; i < 1000; ++i) {
    added.push_back(from_ns(ns));
    trace.add(added.back());
    ns += i % 7 == 0 ? 0 : 4'999'000 + i;  // some in the same read
  }
  EXPECT_EQ(trace.instants(), added);
  EXPECT_EQ(trace.count(), 1000);
}

TEST(ChunkTrace, TakesAboutFourBytesAChunkAtFiveMilliseconds) {
  ChunkTrace trace;
  for (int i = 0; i < 10'000; ++i) trace.add(from_ns(1'000'000'000 + int64_t{i} * 5'000'000));
  EXPECT_LT(trace.packed().size(), 41'000u);
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/model/load_point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace llmsweep {
namespace {

TEST(LoadPoint, IsReadBackFromItsName) {
  const std::vector<std::pair<const char*, LoadPoint>> cases = {
      {"c1", at_concurrency(1)},
      {"c8", at_concurrency(8)},
      {"c1000000", at_concurrency(1'000'000)},
      {"r0.25", at_rate(0.25)},
      {"r2.5", at_rate(2.5)},
      {"r40", at_rate(40)},
      {"r123456.5", at_rate(123456.5)},
      {"u16", with_users(16)},
  };
  for (const auto& [name, point] : cases) {
    EXPECT_EQ(name_of(point), name);
    EXPECT_EQ(parse_load_point(name), point) << name;
  }
}

TEST(LoadPoint, OnlyARateHasAFraction) {
  for (const char* name : {"c2.5", "u0.5", "c8.0", "c1e2", "u1e2"}) {
    EXPECT_FALSE(parse_load_point(name)) << name;
  }
  EXPECT_EQ(parse_load_point("r1e2"), at_rate(100));
}

TEST(LoadPoint, IsNotReadFromWhatIsNoName) {
  for (const char* name : {"",
                           "c",
                           "8",
                           "x8",
                           "C8",
                           " c8",
                           "c8 ",
                           "c+8",
                           "c-8",
                           "c0",
                           "r0",
                           "r-1",
                           "rnan",
                           "rinf",
                           "c1000001",
                           "r1000001",
                           "c99999999999999999999",
                           "c8,c9",
                           "r2.5/s",
                           "step"}) {
    EXPECT_FALSE(parse_load_point(name)) << name;
  }
}

TEST(LoadPoint, SaysWhatItsNumberCounts) {
  EXPECT_EQ(text_of(at_concurrency(8)), "concurrency 8");
  EXPECT_EQ(text_of(at_rate(2.5)), "request rate 2.5");
  EXPECT_EQ(text_of(with_users(16)), "users 16");
  EXPECT_EQ(value_text(at_concurrency(1'000'000)), "1000000");
  EXPECT_EQ(value_text(at_concurrency(2'147'483'647)), "2147483647");
  EXPECT_EQ(value_text(at_rate(2.5)), "2.5");
}

TEST(LoadPoint, StandsByKindAndThenByValue) {
  const std::vector<LoadPoint> ordered = {at_concurrency(1), at_concurrency(2), at_concurrency(16),
                                          at_rate(0.5),      at_rate(2.5),      at_rate(16),
                                          with_users(1),     with_users(16)};
  std::vector<LoadPoint> points(ordered.rbegin(), ordered.rend());
  std::sort(points.begin(), points.end());
  EXPECT_EQ(points, ordered);
  EXPECT_NE(at_concurrency(16), with_users(16));
}

TEST(LoadPoint, SaysHowItsRequestsStart) {
  const LoadPoint concurrency = at_concurrency(8);
  EXPECT_TRUE(concurrency.is_closed());
  EXPECT_EQ(concurrency.origin(), LatencyOrigin::kSent);
  EXPECT_EQ(concurrency.slots(), 8);
  EXPECT_EQ(concurrency.concurrency(), 8);

  const LoadPoint rate = at_rate(2.5);  // as many connections as its requests overlap
  EXPECT_FALSE(rate.is_closed());
  EXPECT_EQ(rate.origin(), LatencyOrigin::kScheduled);
  EXPECT_EQ(rate.slots(), 0);
  EXPECT_EQ(rate.concurrency(), 0);

  const LoadPoint users = with_users(16);  // who think between requests: fewer are in flight
  EXPECT_TRUE(users.is_closed());
  EXPECT_EQ(users.origin(), LatencyOrigin::kSent);
  EXPECT_EQ(users.slots(), 16);
  EXPECT_EQ(users.concurrency(), 0);
}

TEST(LoadPoint, IsNotKnownUnlessItIsSaid) {
  EXPECT_FALSE(LoadPoint{}.known());
  EXPECT_EQ(LoadPoint{}.concurrency(), 0);
  EXPECT_EQ(LoadPoint{}, at_concurrency(0));
  EXPECT_TRUE(at_concurrency(1).known());
}

TEST(RunId, CountsRepeatsFrom1ForPeople) {
  EXPECT_EQ(text_of(RunId{at_concurrency(8), 0}), "concurrency 8, repeat 1");
  EXPECT_EQ(text_of(RunId{at_rate(2.5), 2}), "request rate 2.5, repeat 3");
}

TEST(RunId, StandsByItsPointAndThenByItsRepeat) {
  const std::vector<RunId> ordered = {
      {at_concurrency(1), 0}, {at_concurrency(1), 1}, {at_concurrency(8), 0}, {at_rate(1), 0}};
  EXPECT_TRUE(std::is_sorted(ordered.begin(), ordered.end()));
  EXPECT_EQ(ordered[1], (RunId{at_concurrency(1), 1}));
  EXPECT_LT((RunId{at_concurrency(1), 9}), (RunId{at_concurrency(8), 0}));
}

}  // namespace
}  // namespace llmsweep

#include "llmsweep/model/rate_profile.h"

#include <gtest/gtest.h>

#include <vector>

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

const std::vector<RateStep> kSteps = {{10s, 2, 2}, {20s, 2, 10}, {10s, 0, 0}, {5s, 8, 0}};

TEST(RateProfile, IsTheSumOfItsSteps) {
  EXPECT_EQ(length_of(kSteps), Duration(45s));
  EXPECT_DOUBLE_EQ(arrivals_of(kSteps), 20 + 120 + 0 + 20);
  EXPECT_DOUBLE_EQ(peak_rate(kSteps), 10);
  EXPECT_EQ(length_of({}), Duration(0));
  EXPECT_EQ(peak_rate({}), 0);
}

TEST(RateProfile, IsNamedByItsMeanRateToFourDigits) {
  EXPECT_DOUBLE_EQ(mean_rate(kSteps), 3.556);
  EXPECT_EQ(mean_rate({}), 0);
  const std::vector<RateStep> slow = {{1h, 0.01, 0.02}};
  EXPECT_DOUBLE_EQ(mean_rate(slow), 0.015);
}

TEST(RateProfile, ExpectsArrivalsBetweenTwoInstantsAndKeepsTheRateOfAnEdgeBeyondIt) {
  EXPECT_DOUBLE_EQ(arrivals_between(kSteps, 0s, 45s), 160);
  EXPECT_DOUBLE_EQ(arrivals_between(kSteps, 5s, 20s), 10 + 2 * 10 + 0.5 * 4 * 10);
  EXPECT_DOUBLE_EQ(arrivals_between(kSteps, 30s, 40s), 0);
  EXPECT_DOUBLE_EQ(arrivals_between(kSteps, -3s, 1s), 6 + 2);
  EXPECT_DOUBLE_EQ(arrivals_between(kSteps, 45s, 100s), 0) << "it ends with none";
  EXPECT_DOUBLE_EQ(arrivals_between({}, 0s, 10s), 0);
}

TEST(RateProfile, SaysAStepsRate) {
  EXPECT_EQ(step_text(kSteps[0]), "2");
  EXPECT_EQ(step_text(kSteps[1]), "2 → 10");
  EXPECT_EQ(step_text(kSteps[1], false), "2 -> 10");
}

}  // namespace
}  // namespace llmsweep

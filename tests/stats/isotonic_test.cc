#include "llmsweep/stats/isotonic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

TEST(Isotonic, LeavesNothingAndRisingValuesAlone) {
  EXPECT_TRUE(isotonic_increasing({}).empty());
  const std::vector<double> rising{1, 2, 2, 7};
  EXPECT_EQ(isotonic_increasing(rising), rising);
}

TEST(Isotonic, PoolsAViolatorByWeight) {
  const std::vector<double> values{1, 10, 4, 20};
  const std::vector<double> weights{1, 1, 2, 1};
  EXPECT_EQ(isotonic_increasing(values, weights), (std::vector<double>{1, 6, 6, 20}));
}

TEST(Isotonic, RisesKeepsTheMeanAndIsIdempotent) {
  Random random(21);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<double> values(1 + random.below(30));
    for (double& value : values) value = random.normal();
    const auto fitted = isotonic_increasing(values);
    ASSERT_TRUE(std::is_sorted(fitted.begin(), fitted.end()));
    ASSERT_NEAR(std::accumulate(fitted.begin(), fitted.end(), 0.0),
                std::accumulate(values.begin(), values.end(), 0.0), 1e-9);
    const auto again = isotonic_increasing(fitted);
    for (size_t i = 0; i < fitted.size(); ++i) ASSERT_NEAR(again[i], fitted[i], 1e-12);
  }
}

TEST(Isotonic, IsLinearInItsInput) {
  std::vector<double> falling(1'000'000);
  std::iota(falling.rbegin(), falling.rend(), 0.0);
  const auto fitted = isotonic_increasing(falling);
  EXPECT_NEAR(fitted.front(), 499'999.5, 1e-3);
  EXPECT_EQ(fitted.front(), fitted.back());
}

}  // namespace
}  // namespace llmsweep

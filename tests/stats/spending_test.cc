#include "llmsweep/stats/spending.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "llmsweep/base/random.h"
#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

// 200,000 simulated paths in NumPy, not by the chain: 0.71, 0.75, 1.09, 1.54, 2.09 and 2.81 %.
TEST(SpendingLevels, AreThoseOfSimulatedPaths) {
  const std::vector<double> levels = spending_levels({.first = 3, .last = 8});
  const double simulated[] = {0.0071, 0.0075, 0.0109, 0.0154, 0.0209, 0.0281};
  ASSERT_EQ(levels.size(), 6u);
  for (size_t i = 0; i < levels.size(); ++i) EXPECT_NEAR(levels[i], simulated[i], 0.0004) << i;
}

TEST(SpendingLevels, OfOneLookIsAllThereIs) {
  EXPECT_EQ(spending_levels({.first = 3, .last = 3}), std::vector{0.05});
  EXPECT_EQ(spending_levels({.first = 5, .last = 2}, 0.01), std::vector{0.01});
}

TEST(SpendingLevels, SpendAtTheFirstLookWhatItsShareIs) {
  EXPECT_NEAR(spending_levels({.first = 2, .last = 10}).front(), 0.05 * 0.04, 2e-5);
  EXPECT_NEAR(spending_levels({.first = 4, .last = 5}).front(), 0.05 * 0.64, 2e-4);
}

// e reaches 10 at these t, by hand: ln 10 = -0.5 ln(1+4n) + n/2 (ln(1+t²/(n-1)) - …).
TEST(EndlessLevel, IsWhereTheEProcessReachesTen) {
  for (const int runs : {3, 5, 8, 20, 100}) {
    const double level = endless_level(runs), n = runs;
    const double t = -student_quantile(level, n - 1), mixed = 1 + 4 * n;
    const double log_e =
        -0.5 * std::log(mixed) +
        n / 2 * (std::log1p(t * t / (n - 1)) - std::log1p(t * t / ((n - 1) * mixed)));
    EXPECT_NEAR(log_e, std::log(10), 1e-3) << runs;
    EXPECT_LT(level, 0.05);
  }
  EXPECT_GT(endless_level(2), 0);  // no t of two runs is large enough, nearly
  EXPECT_LT(endless_level(2), 0.01);
}

// False PASS and false FAIL at the edge, of paths that end where either bound is passed.
struct Errors {
  double low = 0, high = 0;
};
template <class LevelAt>
Errors errors_of_looks(int first, int last, const LevelAt& level_at) {
  constexpr int kPaths = 20'000;  // three standard errors of 5 % are 0.46 %
  std::vector<double> critical(static_cast<size_t>(last) + 1);
  for (int n = first; n <= last; ++n) {
    critical[static_cast<size_t>(n)] = -student_quantile(level_at(n), n - 1);
  }
  Random random(84);
  Errors errors;
  for (int path = 0; path < kPaths; ++path) {
    double sum = 0, squares = 0;
    for (int n = 1; n <= last; ++n) {
      const double x = random.normal();
      sum += x;
      squares += x * x;
      if (n < first) continue;
      const double mean = sum / n;
      const double t = mean / std::sqrt((squares - n * mean * mean) / (n - 1) / n);
      if (std::abs(t) < critical[static_cast<size_t>(n)]) continue;
      (t > 0 ? errors.high : errors.low) += 1.0 / kPaths;
      break;
    }
  }
  return errors;
}

TEST(SpendingLevels, ErrFivePercentOfTheTimeOverAllLooks) {
  const struct { int first, last; } plans[] = {{3, 8}, {2, 6}, {3, 16}};
  for (const auto& [first, last] : plans) {
    const std::vector<double> levels = spending_levels({first, last});
    const Errors errors = errors_of_looks(
        first, last, [&, from = first](int n) { return levels[static_cast<size_t>(n - from)]; });
    EXPECT_NEAR(errors.low, 0.05, 0.0046) << first << " to " << last;
    EXPECT_NEAR(errors.high, 0.05, 0.0046) << first << " to " << last;
  }
}

TEST(EndlessLevel, ErrsAtMostFivePercentOfTheTimeHoweverOftenOneLooks) {
  const Errors errors = errors_of_looks(3, 100, [](int n) { return endless_level(n); });
  EXPECT_LT(errors.low, 0.05);
  EXPECT_LT(errors.high, 0.05);
  EXPECT_GT(errors.low, 0.02);
}

}  // namespace
}  // namespace llmsweep

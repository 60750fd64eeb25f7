// Parametric intervals between runs, and what several tests at once need. Student (1908), Welch
// (1947), Holm (1979). Means and variances are the ordinary unbiased ones.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/level.h"

namespace llmsweep {

double normal_quantile(double p);                   // 0 < p < 1
double student_quantile(double p, double degrees);  // 0 < p < 1, degrees > 0
double student_cdf(double t, double degrees);

struct Moments {
  int64_t count = 0;
  double mean = 0;
  double variance = 0;  // ÷ (n − 1); 0 below two values
};
Moments moments_of(std::span<const double> values);

// mean ± t·s/√n. Absent below two values.
std::optional<Interval> student_interval(std::span<const double> values, double confidence = 0.95);
// The same on logarithms, carried back: an interval of the geometric mean. Absent below two values
// or where one is not positive.
std::optional<Interval> log_student_interval(std::span<const double> values,
                                             double confidence = 0.95);
// 0 where a value is not positive or there is none.
double geometric_mean(std::span<const double> values);

// Difference of two means, second − first, whose error has a Student distribution.
struct WelchDifference {
  double difference = 0;
  double standard_error = 0;
  double degrees = 0;  // Welch–Satterthwaite; n₁ + n₂ − 2 where both variances are 0

  Interval interval(double confidence = 0.95) const;
  double p_value() const;  // two-sided; of equal means without variance: 1
  // With a noise of that standard deviation in the difference that the values do not show. It is
  // taken as known: Satterthwaite's degrees grow with its share. 0: as it is.
  WelchDifference with_noise(double deviation) const;
};
// The interval and the two-sided probability with such a noise, never narrower nor smaller than
// without: the degrees of what is known must not make the values surer.
Interval noisy_interval(const WelchDifference& test, double noise, double confidence = 0.95);
double noisy_p_value(const WelchDifference& test, double noise);

// Absent where a side has fewer than two values.
std::optional<WelchDifference> welch(std::span<const double> first, std::span<const double> second);

// ln(second ÷ first) of the groups' means: geometric ones by Welch on the logarithms; arithmetic
// ones with the standard errors of the means relative to them (delta method), which holds for
// values of which some are 0. Absent where welch() is, and where a mean is not positive or, of
// geometric ones, a value.
enum class MeanKind { kGeometric, kArithmetic };
std::optional<WelchDifference> log_ratio(std::span<const double> first,
                                         std::span<const double> second, MeanKind mean);

// The same of pairs, first[i] with second[i], which share what both were measured under: Student's
// t (1908) on the differences of the logs, n − 1 degrees; of arithmetic means on those of the
// values, each relative to its mean. Absent below two pairs, and as log_ratio().
std::optional<WelchDifference> paired_log_ratio(std::span<const double> first,
                                                std::span<const double> second,
                                                MeanKind mean = MeanKind::kGeometric);

// Holm's step-down adjusted p-values, in the order given: reject where adjusted ≤ α.
std::vector<double> holm_adjusted(std::span<const double> p_values);

}  // namespace llmsweep

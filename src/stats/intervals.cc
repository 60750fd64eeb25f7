#include "llmsweep/stats/intervals.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace llmsweep {
namespace {

bool all_positive(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value > 0; });
}

std::vector<double> logs_of(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (double value : values) logs.push_back(std::log(value));
  return logs;
}

std::vector<double> divided(std::span<const double> values, double by) {
  std::vector<double> shares;
  shares.reserve(values.size());
  for (double value : values) shares.push_back(value / by);
  return shares;
}

}  // namespace

Moments moments_of(std::span<const double> values) {
  Moments moments{.count = static_cast<int64_t>(values.size())};
  if (values.empty()) return moments;
  const auto count = static_cast<double>(values.size());
  moments.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() < 2) return moments;
  double squares = 0;
  for (double value : values) squares += (value - moments.mean) * (value - moments.mean);
  moments.variance = squares / (count - 1);
  return moments;
}

std::optional<Interval> student_interval(std::span<const double> values, double confidence) {
  if (values.size() < 2) return std::nullopt;
  const Moments moments = moments_of(values);
  const auto count = static_cast<double>(moments.count);
  const double half =
      student_quantile((1 + confidence) / 2, count - 1) * std::sqrt(moments.variance / count);
  return Interval{moments.mean - half, moments.mean + half};
}

std::optional<Interval> log_student_interval(std::span<const double> values, double confidence) {
  if (!all_positive(values)) return std::nullopt;
  const auto interval = student_interval(logs_of(values), confidence);
  if (!interval) return std::nullopt;
  return Interval{std::exp(interval->low), std::exp(interval->high)};
}

double geometric_mean(std::span<const double> values) {
  if (values.empty() || !all_positive(values)) return 0;
  return std::exp(moments_of(logs_of(values)).mean);
}

Interval WelchDifference::interval(double confidence) const {
  const double half = student_quantile((1 + confidence) / 2, degrees) * standard_error;
  return {difference - half, difference + half};
}

double WelchDifference::p_value() const {
  if (standard_error == 0) return difference == 0 ? 1 : 0;
  return 2 * student_cdf(-std::abs(difference) / standard_error, degrees);
}

WelchDifference WelchDifference::with_noise(double deviation) const {
  if (!(deviation > 0)) return *this;
  constexpr double kKnown = 1e6;  // degrees of what is not estimated at all
  const double of_values = standard_error * standard_error;
  const double all = of_values + deviation * deviation;
  const double share = of_values / all;
  return {.difference = difference,
          .standard_error = std::sqrt(all),
          .degrees = share > 0 ? std::min(kKnown, degrees / (share * share)) : kKnown};
}

Interval noisy_interval(const WelchDifference& test, double noise, double confidence) {
  const Interval without = test.interval(confidence);
  const Interval with = test.with_noise(noise).interval(confidence);
  return {std::min(without.low, with.low), std::max(without.high, with.high)};
}

double noisy_p_value(const WelchDifference& test, double noise) {
  return std::max(test.p_value(), test.with_noise(noise).p_value());
}

std::optional<WelchDifference> welch(std::span<const double> first,
                                     std::span<const double> second) {
  if (first.size() < 2 || second.size() < 2) return std::nullopt;
  const Moments a = moments_of(first);
  const Moments b = moments_of(second);
  const auto n = static_cast<double>(a.count);
  const auto m = static_cast<double>(b.count);
  const double of_a = a.variance / n;
  const double of_b = b.variance / m;
  const double spread = of_a * of_a / (n - 1) + of_b * of_b / (m - 1);
  return WelchDifference{
      .difference = b.mean - a.mean,
      .standard_error = std::sqrt(of_a + of_b),
      .degrees = spread > 0 ? (of_a + of_b) * (of_a + of_b) / spread : n + m - 2,
  };
}

std::optional<WelchDifference> log_ratio(std::span<const double> first,
                                         std::span<const double> second, MeanKind mean) {
  const double a = moments_of(first).mean, b = moments_of(second).mean;
  if (mean == MeanKind::kGeometric) {
    if (!all_positive(first) || !all_positive(second)) return std::nullopt;
    return welch(logs_of(first), logs_of(second));
  }
  if (!(a > 0) || !(b > 0)) return std::nullopt;
  auto test = welch(divided(first, a), divided(second, b));
  if (test) test->difference = std::log(b / a);
  return test;
}

std::optional<WelchDifference> paired_log_ratio(std::span<const double> first,
                                                std::span<const double> second, MeanKind mean) {
  if (first.size() != second.size() || first.size() < 2) return std::nullopt;
  const double a = moments_of(first).mean, b = moments_of(second).mean;
  const bool geometric = mean == MeanKind::kGeometric;
  if (geometric && (!all_positive(first) || !all_positive(second))) return std::nullopt;
  if (!(a > 0) || !(b > 0)) return std::nullopt;
  const std::vector<double> from = geometric ? logs_of(first) : divided(first, a);
  const std::vector<double> to = geometric ? logs_of(second) : divided(second, b);
  std::vector<double> differences;
  for (size_t i = 0; i < from.size(); ++i) differences.push_back(to[i] - from[i]);
  const Moments moments = moments_of(differences);
  const auto count = static_cast<double>(moments.count);
  return WelchDifference{.difference = geometric ? moments.mean : std::log(b / a),
                         .standard_error = std::sqrt(moments.variance / count),
                         .degrees = count - 1};
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double scaled = static_cast<double>(order.size() - i) * p_values[order[i]];
    largest = std::max(largest, std::min(1.0, scaled));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace llmsweep

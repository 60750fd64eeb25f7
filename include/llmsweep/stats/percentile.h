// Percentiles and what they are worth inside one run.
//
// Type 7 of Hyndman & Fan (1996), numpy's default: with n sorted values, h = (n − 1)·p, linear
// between the order statistics around h. Quantiles are written as fractions: 0.5, 0.99.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/histogram.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Below these a distribution shows no such percentile.
constexpr int64_t kSamplesForP99 = 300;
constexpr int64_t kSamplesForP999 = 3'000;

// `sorted` ascending and not empty, 0 ≤ p ≤ 1.
double percentile(std::span<const double> sorted, double p);
// Of values in any order, in linear time. Not empty.
double percentile_of(std::vector<double> values, double p);

// The 1-based ranks (low, high) whose order statistics hold the p-quantile between them with at
// least `confidence`, whatever the distribution: each tail of the exact binomial at most
// (1 − confidence) / 2. Absent where a side would be infinite.
struct Ranks {
  int64_t low = 0;
  int64_t high = 0;

  bool operator==(const Ranks&) const = default;
};
struct Quantile {
  double p = 0.5;
  double confidence = 0.95;
};
std::optional<Ranks> interval_ranks(int64_t samples, Quantile quantile);
std::optional<Interval> percentile_interval(std::span<const double> sorted, Quantile quantile);
// The fewest samples with a finite interval: 6, 36, 72, 368 for p50, p90, p95, p99 at 95 %.
int64_t samples_for_interval(Quantile quantile);

// Of a sample in ms, in any order. An empty one gives count 0 and no percentiles.
Distribution distribution_of(std::vector<double> sample_ms);

// Of a histogram: type 7 over the sample in which every value is its bucket's middle, so each
// figure, mean, min and max included, is within 0.05 % of the exact one. No interval: gaps of one
// request are not independent, a binomial interval over them would be far too narrow.
Distribution distribution_of(const Histogram& histogram);

// Completed requests that `statistic` needs before a level can be judged by it: 1 for the median
// and the mean, as many as put one expected value beyond it for p90 and p95, 300 for p99.
int64_t samples_needed(Statistic statistic);

}  // namespace llmsweep
